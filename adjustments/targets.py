"""What a link to the proposal form means: an anomaly, a subject, or a request to be taken back."""

from uuid import UUID

from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404

from adjustments.drafting import Target, for_anomaly, for_reversal, for_subject
from adjustments.models import Adjustment
from anomalies.models import Anomaly
from systems import registry


def target_of(query: QueryDict) -> Target:
    """Raises drafting.Undraftable when the correction does not fit, Http404 when there is no such thing."""
    if "reverses" in query:
        original = get_object_or_404(Adjustment.objects.select_related("anomaly"), pk=_uuid(query["reverses"]))
        numbers = [_number(number) for number in query.getlist("line")]
        return for_reversal(original, numbers or None)
    if "anomaly" in query:
        return for_anomaly(get_object_or_404(Anomaly, pk=_number(query["anomaly"])), query.get("correction", ""))
    try:
        system = registry.get(query.get("system", ""))
    except registry.UnknownSystem as unknown:
        raise Http404(str(unknown)) from None
    return for_subject(system, query.get("kind", ""), query.get("subject", ""), query.get("correction", ""))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404(text) from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Http404(text)
    return int(text)
