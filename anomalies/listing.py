"""A row of the queue: an anomaly, and what a reader of a list wants to see of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count

from anomalies.models import Anomaly, Note
from anomalies.models.states import Presence
from anomalies.rooms import Named, kind_of, named, system_of
from systems.base import Verdict
from systems.registry import all_systems

MARKED = {Presence.SUBJECT_GONE, Presence.NOT_CHECKABLE}


@dataclass(frozen=True)
class Listed:
    anomaly: Anomaly
    rule: Named
    kind: Any
    notes: int = 0
    among_several: bool = False  # whether the system has to be named
    marks: tuple[str, ...] = field(default=())  # states beside the main one that a reader should not miss


def listed(anomalies: Iterable[Anomaly]) -> list[Listed]:
    anomalies = list(anomalies)
    notes = dict(
        Note.objects.filter(anomaly__in=anomalies).values_list("anomaly").annotate(count=Count("pk")).order_by()
    )
    return [_listed(anomaly, notes.get(anomaly.pk, 0)) for anomaly in anomalies]


def _listed(anomaly: Anomaly, notes: int) -> Listed:
    kind = kind_of(system_of(anomaly.system), anomaly.subject_kind)
    return Listed(
        anomaly=anomaly,
        rule=named(anomaly.system, anomaly.rule),
        kind=kind.label if kind else anomaly.subject_kind,
        notes=notes,
        among_several=len(all_systems()) > 1,
        marks=marks(anomaly),
    )


def marks(anomaly: Anomaly) -> tuple[str, ...]:
    verdict = (Verdict.CANNOT_TELL,) if anomaly.verdict == Verdict.CANNOT_TELL else ()
    presence = (Presence(anomaly.presence),) if anomaly.presence in MARKED else ()
    return tuple(str(mark) for mark in (*verdict, *presence))
