"""What a request would say, asked of the source as it is now: the lines a correction proposes, and their evidence.

A request is about one thing or about many. What cannot be asked for is left out, each with its own sentence, and the
rest may go on; where one thing was asked for and it cannot be, that is a refusal.

Runs wherever the reading connection is, the web process too. Nothing is locked; the worker that posts locks, reads the
evidence again and compares.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from adjustments.content import Entry, canonical, content_hash, settled
from adjustments.models import Adjustment, AdjustmentLine
from adjustments.states import Outcome, State
from anomalies.models import Anomaly
from systems import registry
from systems.base import Correction, CorrectionKind, Line, NotOffered, Refused, System
from systems.facts import plain
from systems.reading import Questions, reading

NOTHING = UUID(int=0)
STANDING = ("adjustment", "adjustment__proposed_by")
MOST_LINES = 1_000  # of one request
FURTHER = " #"  # in the fingerprint of the second and further lines that one thing asked for gives


class Undraftable(Exception):
    """No request can be made of this. The text says why."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One thing that is asked for: a second line with its fingerprint, occurrence and correction asks for the same.

    ``line`` is given where the source is not asked what it should be: it takes back ``reverses``, which was posted.
    ``amount`` is what somebody's list says, in its ``row``; the source must give the same.
    """

    subject: str
    fingerprint: str
    occurrence: int = 1
    anomaly: Anomaly | None = None
    reverses: AdjustmentLine | None = None
    line: Line | None = None
    amount: int | None = None
    row: int | None = None


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """What a request about many does not ask for, and why."""

    subject: str
    why: str
    anomaly: Anomaly | None = None
    row: int | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a request is about."""

    system: System
    correction: Correction
    asked: Sequence[Asked]
    reverses: Adjustment | None = None
    edits: Adjustment | None = None  # whose own lines do not stand in the way
    left_out: Sequence[LeftOut] = ()  # before the source was asked

    @property
    def only(self) -> Asked | None:
        return self.asked[0] if len(self.asked) == 1 else None

    @property
    def subject(self) -> str:
        return self.only.subject if self.only else ""

    @property
    def fingerprint(self) -> str:
        return self.only.fingerprint if self.only else ""

    @property
    def occurrence(self) -> int:
        return self.only.occurrence if self.only else 1

    @property
    def anomaly(self) -> Anomaly | None:
        return self.only.anomaly if self.only else None


@dataclass(frozen=True, kw_only=True)
class DraftedLine(Entry):
    """``nth`` of the lines that one thing asked for gave: a job that was charged twice gives two."""

    asked: Asked
    nth: int

    @property
    def fingerprint(self) -> str:
        return self.asked.fingerprint if self.nth == 1 else f"{self.asked.fingerprint}{FURTHER}{self.nth}"


@dataclass(frozen=True, kw_only=True)
class Draft:
    target: Target
    entries: Sequence[DraftedLine]
    left_out: Sequence[LeftOut] = ()

    @property
    def amount(self) -> int:
        return sum(entry.line.amount for entry in self.entries)

    @property
    def only_entry(self) -> Entry | None:
        return self.entries[0] if len(self.entries) == 1 else None

    @property
    def largest(self) -> int:
        return max((entry.line.amount for entry in self.entries), key=abs)

    @property
    def customers(self) -> int:
        return len({entry.customer for entry in self.entries if entry.customer})

    @property
    def unit(self) -> str:
        return self.target.correction.unit

    @cached_property
    def seen(self) -> str:
        """What a person saw of it, as a hash: whether the source still says the same when they press the button."""
        return content_hash(self.signed(reason="", policy_version="", keyless=True))

    def signed(self, *, reason: str, policy_version: str, keyless: bool = False) -> str:
        return canonical(
            system=self.target.system.slug,
            correction=self.target.correction.code,
            subject_kind=self.target.correction.subject_kind,
            subject=self.target.subject,
            reason=reason,
            policy_version=policy_version,
            reverses=self.target.reverses.pk if self.target.reverses else None,
            entries=[replace(entry, key=NOTHING) for entry in self.entries] if keyless else self.entries,
        )


# What it is about ----------------------------------------------------------------------------------------------------


def for_anomaly(anomaly: Anomaly, code: str) -> Target:
    system = _system(anomaly.system)
    correction = _posting(system, code)
    if not answers(correction, anomaly):
        raise Undraftable(_("“%s” does not answer this anomaly.") % correction.title)
    return Target(system=system, correction=correction, asked=[of_anomaly(anomaly)])


def for_anomalies(anomalies: Sequence[Anomaly], code: str, system: System | None = None) -> Target:
    """About several at once, all of one system. One that the correction does not answer is not asked for here."""
    system = system or _system(anomalies[0].system)
    correction = _posting(system, code)
    fitting = [one for one in anomalies if one.system == system.slug and answers(correction, one)]
    if not fitting:
        raise Undraftable(_("“%s” answers none of these anomalies.") % correction.title)
    return Target(system=system, correction=correction, asked=[of_anomaly(one) for one in fitting])


def answers(correction: Correction, anomaly: Anomaly) -> bool:
    return anomaly.rule in correction.answers and anomaly.subject_kind == correction.subject_kind


def of_anomaly(anomaly: Anomaly) -> Asked:
    return Asked(
        subject=anomaly.subject,
        fingerprint=anomaly.fingerprint,
        occurrence=anomaly.occurrence,
        anomaly=anomaly,
    )


def for_subject(system: System, kind: str, subject: str, code: str) -> Target:
    """About a subject itself. Where an anomaly asks for this correction, the request is about the anomaly."""
    correction = _posting(system, code)
    if kind != correction.subject_kind:
        raise Undraftable(_("“%s” is not for subjects of this kind.") % correction.title)
    return Target(system=system, correction=correction, asked=of_subjects(system, correction, [subject]))


def of_subjects(system: System, correction: Correction, subjects: Sequence[str]) -> list[Asked]:
    kind = correction.subject_kind
    asking = Anomaly.objects.at_work().filter(
        system=system.slug, subject_kind=kind, subject__in=subjects, rule__in=correction.answers
    )
    by_subject = {anomaly.subject: anomaly for anomaly in asking.order_by("-pk")}
    return [
        of_anomaly(by_subject[one])
        if one in by_subject
        else Asked(subject=one, fingerprint=f"{system.slug}:{kind}:{one}")
        for one in subjects
    ]


def for_reversal(adjustment: Adjustment, lines: Sequence[int] | None = None) -> Target:
    """Takes back what was posted: every line that nobody takes back yet, or those of the ``lines`` by number."""
    if adjustment.state != State.APPLIED:
        raise Undraftable(_("Only what was applied can be taken back."))
    system = _system(adjustment.system)
    was = _posting(system, adjustment.correction)
    if not was.reversal or not was.reverse:
        raise Undraftable(_("There is no correction that takes this one back."))
    posted = adjustment.current_lines().filter(outcome=Outcome.POSTED)
    posted = list(posted if lines is None else posted.filter(number__in=lines))
    if not posted:
        raise Undraftable(_("Nothing of it was posted that could be taken back."))
    asked = [_taken_back(was, line) for line in posted]
    return Target(system=system, correction=_posting(system, was.reversal), asked=asked, reverses=adjustment)


def _taken_back(was: Correction, line: AdjustmentLine) -> Asked:
    opposite = was.reverse(line.as_line(), line.receipt)
    return Asked(subject=line.subject, fingerprint=f"reversal:{line.key}", reverses=line, line=opposite)


def for_edit(adjustment: Adjustment) -> Target:
    """The same things again, as the source has them now."""
    system = _system(adjustment.system)
    correction = _posting(system, adjustment.correction)
    lines = list(adjustment.current_lines().select_related("anomaly", "reverses__adjustment"))
    if adjustment.reverses:
        was = _posting(system, adjustment.reverses.correction)
        asked = [_taken_back(was, line.reverses) for line in lines]
    else:
        firsts = [line for line in lines if FURTHER not in line.fingerprint] or lines
        asked = [_asked_before(line) for line in firsts]
    return Target(system=system, correction=correction, asked=asked, reverses=adjustment.reverses, edits=adjustment)


def _asked_before(line: AdjustmentLine) -> Asked:
    return Asked(subject=line.subject, fingerprint=line.fingerprint, occurrence=line.occurrence, anomaly=line.anomaly)


def _system(slug: str) -> System:
    try:
        return registry.get(slug)
    except registry.UnknownSystem:
        raise Undraftable(_("The system “%s” is no longer part of the console.") % slug) from None


def _posting(system: System, code: str) -> Correction:
    try:
        correction = system.correction(code)
    except NotOffered:
        raise Undraftable(
            _("%(label)s has no correction “%(code)s”.") % {"label": system.label, "code": code}
        ) from None
    if correction.kind == CorrectionKind.SWITCH:
        raise Undraftable(_("“%s” acts at once; it is not proposed.") % correction.title)
    return correction


# What the source says of it -------------------------------------------------------------------------------------------


class NothingLeft(Undraftable):
    """Of many things not one can be asked for; ``left_out`` says why of each."""

    def __init__(self, left_out: Sequence[LeftOut]) -> None:
        super().__init__(_("The source gives nothing of all this to ask for."))
        self.left_out = left_out


def draft(target: Target, *, now: datetime) -> Draft:
    """Raises Undraftable, or systems.reading.SourceUnavailable."""
    entries: dict[Any, DraftedLine] = {}
    left_out = [*target.left_out, *map(_too_many, target.asked[MOST_LINES:])]
    taken = {} if target.only else in_the_way(target)
    with reading(target.system, now=now) as source, source.connection.cursor() as cursor:
        for asked in target.asked[:MOST_LINES]:
            try:
                _refuse_taken(asked, taken)
                _add(entries, [_entry(target.correction, cursor, *one) for one in _lines(target, asked, source)])
            except Undraftable as why:
                left_out.append(LeftOut(subject=asked.subject, why=str(why), anomaly=asked.anomaly, row=asked.row))
    if not entries:
        raise Undraftable(left_out[0].why) if len(left_out) == 1 else NothingLeft(left_out)
    return Draft(target=target, entries=list(entries.values())[:MOST_LINES], left_out=left_out)


def _add(entries: dict[Any, DraftedLine], more: Sequence[DraftedLine]) -> None:
    """Two anomalies of one subject may ask for the same posting: it is made once."""
    named = {(entry.line.subject, *sorted(entry.line.particulars.items())): entry for entry in more}
    new = {name: entry for name, entry in named.items() if name not in entries}
    if not new:
        raise Undraftable(_("What this asks for is in this request already."))
    entries |= new


def _too_many(asked: Asked) -> LeftOut:
    why = _("A request has at most %d lines; propose the rest as another one.") % MOST_LINES
    return LeftOut(subject=asked.subject, why=why, anomaly=asked.anomaly)


def in_the_way(target: Target) -> Mapping[tuple[str, int], Adjustment]:
    """The requests that ask for some of it already, by fingerprint and occurrence."""
    live = AdjustmentLine.objects.filter(
        live=True, correction=target.correction.code, fingerprint__in=[one.fingerprint for one in target.asked]
    )
    others = live.exclude(adjustment=target.edits) if target.edits else live
    wanted = {(one.fingerprint, one.occurrence) for one in target.asked}
    found = {(line.fingerprint, line.occurrence): line.adjustment for line in others.select_related(*STANDING)}
    return {asked: adjustment for asked, adjustment in found.items() if asked in wanted}


def _refuse_taken(asked: Asked, taken: Mapping[tuple[str, int], Adjustment]) -> None:
    if other := taken.get((asked.fingerprint, asked.occurrence)):
        raise Undraftable(_("#%d already asks for this.") % other.number)


def _lines(target: Target, asked: Asked, source: Questions) -> list[tuple[Asked, int, Line]]:
    """What the source gives for one thing asked for, numbered."""
    correction = target.correction
    try:
        lines = [asked.line] if asked.line else correction.draft(source, asked.subject)
    except Refused as refusal:
        raise Undraftable(str(refusal)) from refusal
    if not lines:
        raise Undraftable(_("The source shows nothing that “%s” would put right.") % correction.title)
    found = sum(line.amount for line in lines)
    if asked.amount is not None and asked.amount not in (found, abs(found)):
        told = {"wanted": asked.amount, "found": found, "unit": correction.unit}
        raise Undraftable(_("The file says %(wanted)d, but the source gives %(found)d %(unit)s.") % told)
    return [(asked, nth, line) for nth, line in enumerate(lines, 1)]


def _entry(correction: Correction, cursor: Any, asked: Asked, nth: int, line: Line) -> DraftedLine:
    _refuse_unfit(correction, line)
    evidence = correction.evidence(cursor, line, False)
    if evidence is None:
        raise Undraftable(_("The source no longer has what a line about %s rests on.") % line.subject)
    plain_line, found = _plain_line(line), settled(evidence)
    whose = customer_of(correction, plain_line, found)
    return DraftedLine(key=uuid.uuid4(), line=plain_line, evidence=found, customer=whose, asked=asked, nth=nth)


def customer_of(correction: Correction, line: Line, evidence: Mapping[str, Any]) -> str:
    """Whose money it is, as the source names them; empty where it names nobody."""
    found = line.particulars.get(correction.customer) or evidence.get(correction.customer)
    return "" if found is None else str(found)


def _plain_line(line: Line) -> Line:
    particulars = {name: str(plain(value)) for name, value in line.particulars.items()}
    return Line(subject=str(line.subject), amount=line.amount, unit=line.unit, particulars=particulars)


def _refuse_unfit(correction: Correction, line: Line) -> None:
    missing = [name for name in correction.particulars if not line.particulars.get(name)]
    if missing:
        raise Undraftable(
            _("The line about %(subject)s does not name its %(missing)s.")
            % {"subject": line.subject, "missing": ", ".join(missing)}
        )
    if line.unit != correction.unit or not line.amount:
        raise Undraftable(_("The line about %s moves nothing.") % line.subject)
