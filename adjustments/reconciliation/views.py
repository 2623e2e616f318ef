"""The screen of reconciliation: what was compared when, and what does not agree."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from adjustments.reconciliation import asking
from adjustments.reconciliation.models import Answer, Discrepancy, Reconciliation
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, fragment_or_redirect, page_or_fragment
from billingadmin.paging import keyset_page
from jobs import queue
from systems import registry
from systems.base import System
from systems.reading import is_connected

PAGE = "adjustments/reconciliation/reconciliation.html"
SETTLED_SHOWN = 20


@dataclass(frozen=True)
class Standing:
    """One system: its last pass, its last whole one, and how much is open."""

    system: System
    latest: Reconciliation | None
    whole: Reconciliation | None
    open_count: int
    is_asked_for: bool


@require_GET
@audience("read")
def reconciliation(request: HtmxHttpRequest) -> HttpResponse:
    return page_or_fragment(request, PAGE, _context(request, timezone.now()), fragment="region")


@require_POST
@audience("switch")
def reconcile(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    now = timezone.now()
    try:
        system = registry.get(slug)
        asking.by_hand(system=system, actor=request.user.actor, now=now, correlation_id=request.id)
        messages.success(request, _("%s is compared with the console in a moment.") % system.label)
    except registry.UnknownSystem as unknown:
        raise Http404(str(unknown)) from None
    except asking.AlreadyAsked as refusal:
        messages.warning(request, str(refusal))
    return fragment_or_redirect(request, f"{PAGE}#region", _context(request, now), to="adjustments:reconciliation")


def _context(request: HtmxHttpRequest, now: datetime) -> dict[str, Any]:
    cursors = {end: request.GET.get(end, "") for end in ("after", "before")}
    found = Discrepancy.objects.open().select_related("adjustment")
    settled = Discrepancy.objects.exclude(settled_at=None).select_related("adjustment")
    stood = standings()
    return {
        "standings": stood,
        "is_known": any(one.latest and one.latest.answer == Answer.DONE for one in stood),
        "page": keyset_page(found, by=("-first_seen_at", "-pk"), **cursors),
        "settled": settled.order_by("-settled_at")[:SETTLED_SHOWN],
        "now": now,
    }


def standings() -> list[Standing]:
    asked = queue.waiting("adjustments.reconcile", "slug")
    return [standing(system, asked) for system in registry.all_systems() if is_connected(system.slug)]


def standing(system: System, asked: set[str]) -> Standing:
    passes = Reconciliation.objects.of(system.slug).newest_first()
    return Standing(
        system=system,
        latest=passes.first(),
        whole=passes.filter(since=None).first(),
        open_count=Discrepancy.objects.open().of(system.slug).count(),
        is_asked_for=system.slug in asked,
    )
