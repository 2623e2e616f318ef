"""What this engine adds to others' screens, named in settings by dotted path or fetched by URL, from stored rows."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from adjustments.models import Adjustment, AdjustmentQuerySet, Decision
from adjustments.states import State, Verdict
from adjustments.wording import label_of, title_of
from anomalies.models import Anomaly
from billingadmin.audience import audience
from systems import registry
from systems.base import Correction, CorrectionKind, Event, Link

MOST = 50  # of one subject or anomaly


@require_GET
@audience("read")
def for_anomaly(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "adjustments/_panel.html", context_for(get_object_or_404(Anomaly, pk=pk)))


def anomaly_panel(request: HttpRequest, anomaly: Anomaly) -> dict[str, Any]:
    html = render_to_string("adjustments/_panel.html", context_for(anomaly), request)
    return {"title": _("Adjustments"), "html": html}


def queue_action() -> dict[str, Any]:
    """What the queue offers for those that are ticked, and for all that it shows."""
    return {
        "url": reverse("adjustments:propose_several"),
        "label": _("Propose…"),
        "label_for_all": _("Propose for all of these…"),
        "key": "r",
    }


def subject_panel(request: HttpRequest, slug: str, kind: str, subject: str) -> dict[str, Any] | None:
    """The requests about a subject; nothing where there are none."""
    made = list(shown(Adjustment.objects.about(slug, kind, subject)))
    html = render_to_string("adjustments/_panel.html", {"adjustments": made}, request)
    return {"title": _("Adjustments"), "html": html} if made else None


def shown(adjustments: AdjustmentQuerySet) -> AdjustmentQuerySet:
    """With who rejected them, in two queries however many."""
    rejections = Decision.objects.filter(verdict=Verdict.REJECT).select_related("person")
    told = Prefetch("decisions", queryset=rejections, to_attr="rejections")
    return adjustments.select_related("proposed_by").prefetch_related(told).newest_first()[:MOST]


def recorded_for(anomaly: Anomaly) -> tuple[str, list[str]]:
    """The kind and ids under which the audit log keeps what was asked for to answer an anomaly."""
    made = Adjustment.objects.answering(anomaly).newest_first().values_list("pk", flat=True)[:MOST]
    return "adjustment", [str(pk) for pk in made]


def searched(number: int | None, text: str) -> Iterator[dict[str, Any]]:
    """The request of that number."""
    for found in Adjustment.objects.filter(number=number) if number is not None else ():
        told = {"number": found.number, "title": title_of(found)}
        label = _("Adjustment %(number)d: %(title)s") % told
        yield {"label": label, "system": label_of(found.system), "url": found.get_absolute_url()}


def context_for(anomaly: Anomaly) -> dict[str, Any]:
    made = list(shown(Adjustment.objects.answering(anomaly)))
    live = anomaly.adjustment_lines.filter(live=True, occurrence=anomaly.occurrence)
    blocked = set(live.values_list("correction", flat=True))
    return {
        "anomaly": anomaly,
        "adjustments": made,
        "corrections": [one for one in answers(anomaly) if one.code not in blocked],
    }


def answers(anomaly: Anomaly) -> list[Correction]:
    """The corrections that would put it right."""
    try:
        offered = registry.get(anomaly.system).corrections
    except registry.UnknownSystem:
        return []
    return [
        one
        for one in offered
        if anomaly.rule in one.answers
        and one.subject_kind == anomaly.subject_kind
        and one.kind != CorrectionKind.SWITCH
    ]


def timeline(slug: str, kind: str, subject: str) -> Iterator[Event]:
    """What was asked for about a subject, and what became of it."""
    made = Adjustment.objects.about(slug, kind, subject).prefetch_related("revisions__by", "decisions__person")
    for adjustment in made.newest_first()[:MOST]:
        yield from _written(adjustment)
        yield from _decided(adjustment)
        yield from _ended(adjustment)


def _written(adjustment: Adjustment) -> Iterator[Event]:
    """Each revision with the reason and the amount that stood then."""
    for revision in adjustment.revisions.all():
        content = json.loads(revision.content)
        event = _event(
            adjustment,
            at=revision.at,
            what=_("proposed") if revision.number == 1 else _("edited"),
            by=revision.by.name,
            reason=content["reason"],
        )
        yield replace(event, amount=sum(line["amount"] for line in content["lines"]))


def _decided(adjustment: Adjustment) -> Iterator[Event]:
    for said in sorted(adjustment.decisions.all(), key=lambda one: (one.at, one.pk)):
        what = said.get_verdict_display()
        yield _event(adjustment, at=said.at, what=what, by=said.person.name, reason=said.reason)


def _ended(adjustment: Adjustment) -> Iterator[Event]:
    """What nobody's decision tells: applied by the worker, or withdrawn, expired, cancelled."""
    if adjustment.applied_at:
        yield _event(adjustment, at=adjustment.applied_at, what=State.APPLIED.label)
    if adjustment.closed_at and adjustment.state != State.REJECTED:
        yield _event(adjustment, at=adjustment.closed_at, what=State(adjustment.state).label)


def _event(adjustment: Adjustment, *, at: datetime, what: Any, by: str = "", reason: str = "") -> Event:
    details = {_("By"): by, _("reason"): reason}
    return Event(
        at=at,
        kind="adjustment",
        title=f"{title_of(adjustment)}: {what}",
        details={name: told for name, told in details.items() if told},
        amount=adjustment.amount,
        unit=adjustment.unit,
        links=(Link(label=f"#{adjustment.number}", url=adjustment.get_absolute_url()),),
    )
