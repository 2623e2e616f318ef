"""What stands in the navigation, and for whom: places, how much waits there, and how each system is.

It is worked out when a template asks for it, so a fragment never pays for it; ``navigation`` is its own fragment, which
the page asks for again when something has changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import IntegerField, QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html_join
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from billingadmin.amounts import CAP, capped
from billingadmin.audience import Capability, audience
from billingadmin.http import HtmxHttpRequest
from health.boards import boards
from systems.registry import all_systems


@dataclass(frozen=True)
class Item:
    path: str
    label: Any
    icon: str = ""
    key: str = ""  # g, then this letter
    audience: Capability = "read"
    or_audience: Capability | None = None  # whoever may this sees it too
    count: str = ""
    level: str = ""
    current: bool = False


class RowCount(Subquery):
    """How many rows there are, up to one more than the cap."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()
    empty_result_set_value = 0

    def __init__(self, rows: QuerySet) -> None:
        super().__init__(rows.order_by().values("pk")[: CAP + 1])


@dataclass(frozen=True)
class Section:
    label: Any
    items: tuple[Item, ...]


WORK = (
    Item("/", _("Today"), "today", "t"),
    Item("/anomalies/", _("Anomalies"), "anomalies", "a"),
    Item("/adjustments/", _("Adjustments"), "adjustments", "d"),
    Item("/freezes/", _("Freezes"), "freeze", "f"),
    Item("/switches/", _("Switches"), "switch", "s"),
)
HEALTH = Item("/health/", _("Health"), "health", "h")
RECORDS = (
    Item("/audit/", _("Audit log"), "audit", "l"),
    Item("/jobs/", _("Jobs"), "jobs", "j"),
    Item("/policy/", _("Policy"), "policy", "y", "read", "people"),
    Item("/people/", _("People"), "people", "p", "people"),
)


def console(request: HtmxHttpRequest) -> dict[str, Any]:
    """Context processor."""
    return {
        "navigation": SimpleLazyObject(lambda: list(sections_for(request, request.path))),
        "environment": environment(),
        "is_demo": settings.DEMO,
        "banners": SimpleLazyObject(lambda: banners(request)),
    }


@require_GET
@audience("signed_in")
def navigation(request: HtmxHttpRequest) -> HttpResponse:
    """The navigation again, as seen from the page that asks."""
    path = (request.htmx.current_url_abs_path or "").partition("?")[0]
    return render(request, "parts/nav.html", {"navigation": list(sections_for(request, path))})


def environment() -> dict[str, Any]:
    known = {"demo": ("warning", _("demo")), "production": ("notice", _("production"))}
    tone, label = known.get(settings.ENVIRONMENT, ("info", settings.ENVIRONMENT))
    return {"tone": tone, "label": label}


def sections_for(request: HtmxHttpRequest, path: str) -> Iterator[Section]:
    if not request.user.is_authenticated:
        return
    systems = systems_watched() if request.user.may("read") else ()
    counts = counts_for(request.user)
    for label, items in ((_("Work"), WORK), (_("Systems"), (HEALTH, *systems)), (_("Records"), RECORDS)):
        seen = [item for item in items if is_for(item, request.user)]
        if seen:
            here = max((item.path for item in seen if is_at(item.path, path)), key=len, default="")
            yield Section(
                label, tuple(replace(item, count=counts.get(item.path, ""), current=item.path == here) for item in seen)
            )


def banners(request: HtmxHttpRequest) -> SafeString:
    """What the engines have to say above every page."""
    told = (import_string(path)(request) for path in settings.BANNERS) if request.user.is_authenticated else ()
    return format_html_join("", "{}", ((one,) for one in told))


def is_for(item: Item, reader: Any) -> bool:
    return reader.may(item.audience) or bool(item.or_audience and reader.may(item.or_audience))


def systems_watched() -> tuple[Item, ...]:
    return tuple(
        Item(f"/health/{board.system.slug}/", board.system.label, level=board.level.value)
        for board in boards(all_systems(), timezone.now())
    )


def is_at(place: str, path: str) -> bool:
    return path == place if place == "/" else path.startswith(place)


def counts_for(reader: Any) -> dict[str, str]:
    """How much waits at each place that tells what waits there, in one query. Nothing is not worth a number."""
    shown = [item.path for item in (*WORK, HEALTH, *RECORDS) if is_for(item, reader)]
    paths = [path for path in shown if path in settings.NAVIGATION_COUNTS]
    if not paths:
        return {}
    rows = [RowCount(import_string(settings.NAVIGATION_COUNTS[path])()) for path in paths]
    found = get_user_model().objects.filter(pk=reader.pk).values_list(*rows).first() or [0] * len(paths)
    return {path: capped(count) for path, count in zip(paths, found, strict=True) if count}
