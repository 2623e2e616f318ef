"""What switches add to others' screens: a reading each, figures on the boards, a panel of a system's, a count."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from adjustments.switches.models import Flip, FlipQuerySet
from adjustments.switches.standing import standing, standings
from billingadmin.audience import audience
from systems import registry
from systems.base import Level, Measurement, Probe, Source, Switch, System

LEVELS = {Level.OK: 0, Level.UNKNOWN: None, Level.WARNING: 1, Level.CRITICAL: 1}  # the value of a reading


def what_waits() -> FlipQuerySet:
    """For the navigation, which counts."""
    return Flip.objects.to_review()


def probes(system: System) -> tuple[Probe, ...]:
    """One for each switch, under the switch's own name."""
    return tuple(
        Probe(
            code=switch.code,
            title=switch.title,
            unit="switches",
            measure=partial(measure, system, switch),
            source=switch.source,
        )
        for switch in system.switches
    )


def measure(system: System, switch: Switch, source: Source) -> Measurement:
    stands = standing(system, switch, source.now)
    return Measurement(level=stands.level, value=LEVELS[stands.level], why=stands.why)


def figures(now: datetime) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Of each system with flips that nobody has reviewed: how many, and how late the first one is."""
    waiting: dict[str, list[Flip]] = {}
    for flip in Flip.objects.to_review().order_by("review_by"):
        waiting.setdefault(flip.system, []).append(flip)
    return {slug: [_figure(slug, flips, now)] for slug, flips in waiting.items()}


def _figure(slug: str, flips: Sequence[Flip], now: datetime) -> Mapping[str, Any]:
    late = [flip for flip in flips if flip.is_overdue(now)]
    overdue = ngettext("%(count)d review is overdue", "%(count)d reviews are overdue", len(late))
    return {
        "label": _("Switches to review"),
        "value": str(len(flips)),
        "note": overdue % {"count": len(late)} if late else "",
        "level": Level.CRITICAL.value if late else "",
        "url": reverse("switches:switches") + f"#switches-{slug}",
    }


def health_panel(request: HttpRequest, slug: str) -> dict[str, Any] | None:
    """The switches of a system; nothing where it has none."""
    html = _table(request, slug)
    return {"title": _("Switches"), "html": html} if html else None


@require_GET
@audience("read")
def for_system(request: HttpRequest, slug: str) -> HttpResponse:
    """The same as a fragment, for the pages of a room."""
    try:
        return render(request, "switches/_table.html", _context(registry.get(slug)))
    except registry.UnknownSystem as error:
        raise Http404 from error


def _table(request: HttpRequest, slug: str) -> str:
    context = _context(registry.get(slug))
    return render_to_string("switches/_table.html", context, request) if context["standings"] else ""


def _context(system: System) -> dict[str, Any]:
    now = timezone.now()
    return {"system": system, "standings": list(standings(system, now).values()), "now": now}
