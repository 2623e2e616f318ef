"""The screens that only read: the list, a request, its preview."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET

from adjustments import listing, portion
from adjustments.forms import Reason
from adjustments.models import Adjustment
from adjustments.moved import since_signed
from adjustments.sheet import Sheet
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, csv_response, page_or_fragment
from billingadmin.paging import keyset_page
from systems.reading import SourceUnavailable


@require_GET
@audience("read")
def adjustments(request: HtmxHttpRequest) -> HttpResponse:
    asked = listing.ListFilter(request.GET, request.user)
    found = listing.shown(asked.apply(Adjustment.objects.all()))
    cursors = {end: request.GET.get(end, "") for end in ("after", "before")}
    context = {
        "filter": asked,
        "tabs": listing.tabs_for(request.user),
        "counts": listing.counts(request.user),
        "page": keyset_page(found, by=asked.order, **cursors),
        "now": timezone.now(),
    }
    return page_or_fragment(request, "adjustments/adjustments.html", context, fragment="list")


@require_GET
@audience("read")
def export(request: HtmxHttpRequest) -> HttpResponse:
    asked = listing.ListFilter(request.GET, request.user)
    found = asked.apply(Adjustment.objects.all()).order_by(*asked.order)
    name = f"adjustments-{asked.current.name}-{timezone.now():%Y%m%d-%H%M}.csv"
    return csv_response(name, listing.CSV_HEADER, listing.csv_rows(found))


@require_GET
@audience("read")
def adjustment(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    context = context_of(request, found(pk))
    return page_or_fragment(request, "adjustments/adjustment.html", context, fragment="request")


@require_GET
@audience("read")
def preview(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """Where the page looks whether the worker has answered."""
    context = context_of(request, found(pk))
    return page_or_fragment(request, "adjustments/adjustment.html", context, fragment="evidence")


@require_GET
@audience("read")
def lines(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """All lines with what became of each, as CSV."""
    adjustment = found(pk)
    return csv_response(f"adjustment-{adjustment.number}.csv", portion.CSV_HEADER, portion.csv_rows(adjustment))


@require_GET
@audience("read")
def moved(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """What the source says otherwise by now. A source that is down is said, and decides nothing."""
    adjustment = found(pk)
    context: dict[str, Any] = {"adjustment": adjustment, "sheet": Sheet(adjustment, request.user, timezone.now())}
    try:
        context["moved"] = since_signed(adjustment, now=timezone.now())
    except SourceUnavailable as down:
        context["unavailable"] = down
    return page_or_fragment(request, "adjustments/moved.html", context, fragment="moved")


def found(pk: UUID) -> Adjustment:
    known = Adjustment.objects.select_related("proposed_by", "anomaly", "reverses")
    return get_object_or_404(known, pk=pk)


def context_of(
    request: HtmxHttpRequest, adjustment: Adjustment, typed: Mapping[str, Reason] | None = None
) -> dict[str, Any]:
    now = timezone.now()
    sheet = Sheet(adjustment, request.user, now, typed, request.GET)
    return {"adjustment": adjustment, "sheet": sheet, "now": now}
