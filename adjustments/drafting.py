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
from itertools import count
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from adjustments.already import Held, held, name_of
from adjustments.asking import (  # noqa: F401 - what it is about is drafted here, and named here by who drafts
    FURTHER,
    Asked,
    LeftOut,
    Target,
    Undraftable,
    answers,
    for_anomalies,
    for_anomaly,
    for_edit,
    for_reversal,
    for_subject,
    of_subjects,
)
from adjustments.content import Entry, canonical, content_hash, settled
from systems.base import Correction, Line, Refused
from systems.facts import plain
from systems.reading import Questions, reading

NOTHING = UUID(int=0)
MOST_LINES = 1_000  # of one request


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
    holding = held(target)
    with reading(target.system, now=now) as source, source.connection.cursor() as cursor:
        for asked in target.asked[:MOST_LINES]:
            try:
                found = holding.get(name_of(asked))
                _refuse_taken(target, found)
                lines = _lines(target, asked, source, found.rest if found else ())
                _add(entries, [_entry(target.correction, cursor, *one) for one in lines])
            except Undraftable as why:
                left_out.append(LeftOut(subject=asked.subject, why=str(why), anomaly=asked.anomaly, row=asked.row))
    if not entries:
        raise Undraftable(left_out[0].why) if len(left_out) == 1 else NothingLeft(left_out)
    left_out.sort(key=lambda one: one.row or 0)  # as they stand in the file
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


def _refuse_taken(target: Target, found: Held | None) -> None:
    """Where one thing is asked for, whoever proposes it is shown the request instead."""
    if found and not found.rest and not target.only:
        raise Undraftable(_("#%d already asks for this.") % found.by.number)


def _lines(target: Target, asked: Asked, source: Questions, rest: Sequence[int]) -> list[tuple[Asked, int, Line]]:
    """What the source gives for one thing asked for, numbered: the ``rest`` of what was posted in part as it was."""
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
    if rest and len(lines) > len(rest):
        told = {"found": len(lines), "left": len(rest)}
        raise Undraftable(_("The source gives %(found)d lines, but only %(left)d were left unposted.") % told)
    return [(asked, nth, line) for nth, line in zip(rest or count(1), lines, strict=False)]


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
