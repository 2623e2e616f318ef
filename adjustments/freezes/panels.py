"""What freezes add to others' screens: a strip above every page, figures on the boards, a reading, a count."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adjustments.freezes.models import Freeze, FreezeQuerySet
from adjustments.freezes.waiting import SOON, held_by_system
from systems import registry
from systems.base import Level, Measurement, Probe, Source, System


def banner(request: HttpRequest) -> str:
    """What is frozen, above every page of those who may read it; nothing when nothing is."""
    if not request.user.may("read"):
        return ""
    frozen = list(Freeze.objects.active().newest_first().select_related("frozen_by"))
    return render_to_string("freezes/_banner.html", {"frozen": frozen}, request) if frozen else ""


def what_waits() -> FreezeQuerySet:
    """For the navigation, which counts."""
    return Freeze.objects.active()


def figures(now: datetime) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Of each system something of which is frozen: how many requests are held, and what breaks first."""
    frozen = list(Freeze.objects.active().values_list("system", flat=True))
    if not frozen:
        return {}
    slugs = [system.slug for system in registry.all_systems() if system.slug in frozen or "" in frozen]
    held = held_by_system()
    return {slug: list(_figures(held.get(slug), now)) for slug in slugs}


def _figures(held: Mapping[str, Any] | None, now: datetime) -> Sequence[Mapping[str, Any]]:
    count = held["requests"] if held else 0
    note = ngettext("%(count)d request is frozen", "%(count)d requests are frozen", count) % {"count": count}
    level = _level(held, now)
    told = [{"label": _("Frozen"), "value": str(count), "note": note, "level": level.value, "url": _url()}]
    if held and held["due_at"]:
        told.append({"label": _("First deadline to break"), "at": held["due_at"], "note": "", "url": _url()})
    return told


def _level(held: Mapping[str, Any] | None, now: datetime) -> Level:
    soon = held and held["due_at"] and held["due_at"] - now < SOON
    return Level.CRITICAL if soon else Level.WARNING


def _url() -> str:
    return reverse("freezes:freezes")


def probes(system: System) -> tuple[Probe, ...]:
    return (
        Probe(
            code="frozen_requests",
            title=gettext_lazy("Requests that are frozen"),
            unit="requests",
            measure=partial(frozen_requests, system.slug),
        ),
    )


def frozen_requests(slug: str, source: Source) -> Measurement:
    """Critical when a deadline breaks within hours: a freeze that is forgotten undoes what people decided."""
    frozen = Freeze.objects.active().touching(slug).count()
    if not frozen:
        return Measurement(level=Level.OK, value=0, why=_("Nothing is frozen."))
    held = held_by_system().get(slug)
    count = held["requests"] if held else 0
    why = ngettext("%(count)d request is frozen.", "%(count)d requests are frozen.", count) % {"count": count}
    if held and held["due_at"]:
        why += " " + _("The first deadline breaks at %(at)s UTC.") % {"at": f"{held['due_at']:%Y-%m-%d %H:%M}"}
    return Measurement(level=_level(held, source.now), value=count, why=why)
