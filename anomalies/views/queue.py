"""The queue, as a page, as a table that refreshes itself, and as CSV."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.http import require_GET

from anomalies import queue as walk
from anomalies.filters import QueueForm
from anomalies.listing import listed
from anomalies.models import Anomaly
from anomalies.models.states import State
from anomalies.queue import Cell, Filter, Order
from billingadmin.amounts import Amount
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, csv_response, page_or_fragment

AT_ONCE = 1_000  # rows of an export that are in memory
HEADER = (
    *(
        "id",
        "system",
        "rule",
        "severity",
        "verdict",
        "state",
        "presence",
        "subject_kind",
        "subject",
        "amount",
        "at_risk",
    ),
    *("unit", "observed_at", "first_seen_at", "last_seen_at", "checked_at", "occurrence", "owner", "dismissal", "note"),
    "fingerprint",
)


@require_GET
@audience("read")
def queue(request: HtmxHttpRequest) -> HttpResponse:
    now, cells = timezone.now(), walk.cells()
    form = QueueForm(request.GET, cells=cells)
    wanted = form.wanted(request.user, now)
    cursors = {name: request.GET.get(name, "") for name in ("after", "before")}
    page = walk.page(wanted, form.chosen_order, cells, **cursors)
    context = {
        "form": form,
        "tabs": _tabs(form.chosen_state, walk.counts(wanted, cells)),
        "page": page,
        "rows": listed(page.rows),
        "state": form.chosen_state,
        "order": form.chosen_order,
        "actions": [import_string(path)() for path in settings.QUEUE_ACTIONS],
        "now": now,
    }
    return page_or_fragment(request, "anomalies/queue.html", context, fragment="list")


def _tabs(current: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {"state": state.value, "label": state.label, "count": counts.get(state, 0), "current": state == current}
        for state in State
    ]


@require_GET
@audience("read")
def export(request: HttpRequest) -> HttpResponse:
    """Everything the filter shows, in its order."""
    now, cells = timezone.now(), walk.cells()
    form = QueueForm(request.GET, cells=cells)
    rows = map(_exported, _all(form.wanted(request.user, now), form.chosen_order, cells))
    return csv_response(f"anomalies-{form.chosen_state}-{now:%Y%m%d-%H%M}.csv", HEADER, rows)


def _all(wanted: Filter, order: Order, cells: list[Cell]) -> Iterator[Anomaly]:
    after = ""
    while True:
        page = walk.page(wanted, order, cells, after=after, size=AT_ONCE)
        yield from page.rows
        if not page.after:
            return
        after = page.after


def _exported(anomaly: Anomaly) -> list[Any]:
    told = {
        "amount": "" if anomaly.amount is None else Amount(anomaly.amount, anomaly.unit).plain(),
        "at_risk": "" if anomaly.unit is None else Amount(anomaly.at_risk, anomaly.unit).plain(),
        "owner": anomaly.owner.name if anomaly.owner else "",
        "note": anomaly.decision_note,
    }
    return [told.get(name, getattr(anomaly, name, "")) for name in HEADER]
