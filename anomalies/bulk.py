"""One verb for several anomalies: each is decided on its own, and each has its own outcome."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from anomalies import triage
from anomalies.listing import Listed, listed
from anomalies.models import Anomaly

MOST = 200


@dataclass(frozen=True)
class Outcome:
    row: Listed
    state: str  # done, skipped (it was so already) or refused
    words: str = ""


def picked(numbers: Iterable[str]) -> Sequence[Anomaly]:
    """The anomalies chosen, in the order of their numbers; what is no number is left out."""
    wanted = {int(number) for number in numbers if number.isdecimal() and len(number) < 19}
    return list(Anomaly.objects.select_related("owner").filter(pk__in=sorted(wanted)[:MOST]).order_by("pk"))


def each(anomalies: Sequence[Anomaly], act: Callable[[Anomaly], bool]) -> list[Outcome]:
    told = [_one(anomaly, act) for anomaly in anomalies]
    fresh = Anomaly.objects.select_related("owner").in_bulk([anomaly.pk for anomaly in anomalies])
    rows = listed(fresh[anomaly.pk] for anomaly in anomalies)
    return [Outcome(row, state, words) for row, (state, words) in zip(rows, told, strict=True)]


def _one(anomaly: Anomaly, act: Callable[[Anomaly], bool]) -> tuple[str, str]:
    try:
        return ("done", "") if act(anomaly) else ("skipped", "")
    except triage.Refused as refusal:
        return "refused", str(refusal)
