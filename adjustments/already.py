"""What is asked for already, and what of it may be asked for again.

One thing asked for may have given several lines: a job that was charged twice. Where some of them were posted and the
others fenced, nothing of those is on its way any more: they are the rest, under the numbers they had.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from adjustments.asking import FURTHER, Asked, Target
from adjustments.models import Adjustment, AdjustmentLine
from adjustments.states import OPEN, Outcome

Name = tuple[str, int]  # fingerprint and occurrence
STANDING = ("adjustment", "adjustment__proposed_by")


@dataclass(kw_only=True)
class Held:
    """The lines by which requests hold one thing: by number those that are live, and those fenced beside them."""

    live: dict[int, Adjustment] = field(default_factory=dict)
    fenced: set[tuple[int, UUID]] = field(default_factory=set)  # number and request

    @property
    def rest(self) -> Sequence[int]:
        """Empty while a request about it is under way."""
        under_way = any(adjustment.state in OPEN for adjustment in self.live.values())
        holding = {adjustment.pk for adjustment in self.live.values()}
        beside = {number for number, request in self.fenced if request in holding}
        return [] if under_way else sorted(beside - self.live.keys())

    @property
    def by(self) -> Adjustment:
        """The request to look at: the one that is under way, if one is."""
        return max(self.live.values(), key=lambda adjustment: (adjustment.state in OPEN, adjustment.number))


def held(target: Target) -> Mapping[Name, Held]:
    """What requests hold of this, the one that is edited aside."""
    wanted: dict[Name, Held] = {name_of(asked): Held() for asked in target.asked}
    fingerprints, subjects = {one.fingerprint for one in target.asked}, {one.subject for one in target.asked}
    about = Q(fingerprint__in=fingerprints) | Q(subject__in=subjects)
    lines = AdjustmentLine.objects.filter(about, Q(live=True) | Q(outcome=Outcome.VOID))
    lines = lines.filter(correction=target.correction.code).select_related(*STANDING)
    for line in lines.exclude(adjustment=target.edits) if target.edits else lines:
        fingerprint, number = first_and_number(line.fingerprint)
        if found := wanted.get((fingerprint, line.occurrence)):
            _add(found, number, line)
    return {name: found for name, found in wanted.items() if found.live}


def in_the_way(target: Target) -> Mapping[Name, Adjustment]:
    """The requests that ask for some of it already, and leave no rest."""
    return {name: found.by for name, found in held(target).items() if not found.rest}


def name_of(asked: Asked) -> Name:
    return asked.fingerprint, asked.occurrence


def first_and_number(fingerprint: str) -> tuple[str, int]:
    """The fingerprint of the first line of the same thing, and which of its lines this is."""
    first, further, number = fingerprint.rpartition(FURTHER)
    return (first, int(number)) if further and number.isdecimal() else (fingerprint, 1)


def _add(found: Held, number: int, line: AdjustmentLine) -> None:
    if line.live:
        found.live[number] = line.adjustment
    else:
        found.fenced.add((number, line.adjustment_id))
