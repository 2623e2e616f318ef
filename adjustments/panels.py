"""What this engine adds to others' screens, named in settings by dotted path or fetched by URL, from stored rows."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from adjustments.models import Adjustment
from adjustments.states import LIVE, State
from adjustments.wording import title_of
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


def subject_panel(request: HttpRequest, slug: str, kind: str, subject: str) -> dict[str, Any] | None:
    """The requests about a subject; nothing where there are none."""
    made = list(Adjustment.objects.about(slug, kind, subject).select_related("proposed_by").newest_first()[:MOST])
    html = render_to_string("adjustments/_panel.html", {"adjustments": made}, request)
    return {"title": _("Adjustments"), "html": html} if made else None


def context_for(anomaly: Anomaly) -> dict[str, Any]:
    made = list(anomaly.adjustments.select_related("proposed_by").newest_first()[:MOST])
    blocked = {one.correction for one in made if stands_in_the_way(one, anomaly)}
    return {
        "anomaly": anomaly,
        "adjustments": made,
        "corrections": [one for one in answers(anomaly) if one.code not in blocked],
    }


def stands_in_the_way(adjustment: Adjustment, anomaly: Anomaly) -> bool:
    same = adjustment.occurrence == anomaly.occurrence
    return same and adjustment.state in LIVE and adjustment.reversed_at is None


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
        and one.kind == CorrectionKind.POSTING
    ]


def timeline(slug: str, kind: str, subject: str) -> Iterator[Event]:
    """What was asked for about a subject, and what became of it."""
    for adjustment in Adjustment.objects.about(slug, kind, subject).newest_first()[:MOST]:
        yield from _events(adjustment)


def _events(adjustment: Adjustment) -> Iterator[Event]:
    told: list[tuple[datetime | None, Any]] = [
        (adjustment.proposed_at, _("proposed")),
        (adjustment.approved_at, _("approved")),
        (adjustment.applied_at, _("applied")),
        (adjustment.closed_at, State(adjustment.state).label),
    ]
    link = Link(label=f"#{adjustment.number}", url=adjustment.get_absolute_url())
    for at, what in told:
        if at:
            yield Event(
                at=at,
                kind="adjustment",
                title=f"{title_of(adjustment)}: {what}",
                details={_("reason"): adjustment.reason} if at == adjustment.proposed_at else {},
                amount=adjustment.amount,
                unit=adjustment.unit,
                links=(link,),
            )
