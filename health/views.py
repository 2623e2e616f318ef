from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, fragment_or_redirect, page_or_fragment
from health import asking, boards, cards, contributions, history, pictures
from jobs import queue
from jobs.scheduler import scheduler
from systems import registry
from systems.base import System


@require_GET
@audience("read", "people")
def today(request: HtmxHttpRequest) -> HttpResponse:
    """The first page. Who looks after people and policy alone has theirs elsewhere."""
    if not request.user.may("read"):
        return redirect("/people/")
    now = timezone.now()
    found, missing = cards.cards(now)
    context = {"cards": found, "missing": missing, "scheduler": scheduler(now), "now": now}
    return page_or_fragment(request, "health/today.html", context, fragment="region")


@require_GET
@audience("read")
def systems(request: HtmxHttpRequest) -> HttpResponse:
    now = timezone.now()
    context = {"boards": boards.boards(registry.all_systems(), now), "now": now}
    return page_or_fragment(request, "health/systems.html", context, fragment="region")


@require_GET
@audience("read")
def system(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    found, now = _system(slug), timezone.now()
    panels = contributions.panels(request, slug)
    context = {**_board_context(request, found, now), "panels": panels.given, "missing": panels.missing}
    return page_or_fragment(request, "health/system.html", context, fragment="region")


@require_POST
@audience("triage")
def probe(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    found, now = _system(slug), timezone.now()
    try:
        asking.probe_now(system=found, actor=request.user.actor, now=now, correlation_id=request.id)
        messages.success(request, _("The probes are asked. Their readings appear here."))
    except asking.CannotProbe as refusal:
        messages.warning(request, str(refusal))
    context = _board_context(request, found, now)
    return fragment_or_redirect(request, "health/system.html#region", context, to=f"/health/{slug}/")


def _board_context(request: HtmxHttpRequest, system: System, now: datetime) -> dict[str, Any]:
    days = 30 if request.GET.get("days") == "30" else 7
    board = boards.boards([system], now)[0]
    points = history.history(system, days=days, now=now)
    return {
        "board": board,
        "probes": [pictures.probed(standing, points[standing.probe.code], days) for standing in board.standings],
        "days": days,
        "all_days": history.SPANS,
        "is_asked_for": queue.pending("health.probe", slug=system.slug),
        "scheduler": scheduler(now),
        "now": now,
    }


def _system(slug: str) -> System:
    try:
        return registry.get(slug)
    except registry.UnknownSystem as unknown:
        raise Http404(str(unknown)) from None
