"""What a request would say, asked of the source as it is now: the lines a correction proposes, and their evidence.

Runs wherever the reading connection is, the web process too. Nothing is locked; the worker that posts locks, reads the
evidence again and compares.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from adjustments.content import Entry, canonical, content_hash, settled
from adjustments.models import Adjustment
from adjustments.states import State
from anomalies.models import Anomaly
from systems import registry
from systems.base import Correction, CorrectionKind, Line, NotOffered, Refused, System
from systems.facts import plain
from systems.reading import Questions, reading

NOTHING = UUID(int=0)


class Undraftable(Exception):
    """No request can be made of this. The text says why."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a request is about. Two requests with the same fingerprint, occurrence and correction are the same thing."""

    system: System
    correction: Correction
    subject: str
    fingerprint: str
    occurrence: int = 1
    anomaly: Anomaly | None = None
    reverses: Adjustment | None = None


@dataclass(frozen=True, kw_only=True)
class Draft:
    target: Target
    entries: Sequence[Entry]

    @property
    def amount(self) -> int:
        return sum(entry.line.amount for entry in self.entries)

    @property
    def only_entry(self) -> Entry | None:
        return self.entries[0] if len(self.entries) == 1 else None

    @property
    def unit(self) -> str:
        return self.target.correction.unit

    @property
    def seen(self) -> str:
        """What a person saw of it, as a hash: whether the source still says the same when they press the button."""
        return content_hash(self.signed(reason="", policy_version="", keyless=True))

    def signed(self, *, reason: str, policy_version: str, keyless: bool = False) -> str:
        entries = [
            Entry(key=NOTHING if keyless else entry.key, line=entry.line, evidence=entry.evidence)
            for entry in self.entries
        ]
        return canonical(
            system=self.target.system.slug,
            correction=self.target.correction.code,
            subject_kind=self.target.correction.subject_kind,
            subject=self.target.subject,
            reason=reason,
            policy_version=policy_version,
            reverses=self.target.reverses.pk if self.target.reverses else None,
            entries=entries,
        )


def for_anomaly(anomaly: Anomaly, code: str) -> Target:
    system = _system(anomaly.system)
    correction = _posting(system, code)
    if anomaly.rule not in correction.answers or anomaly.subject_kind != correction.subject_kind:
        raise Undraftable(_("“%s” does not answer this anomaly.") % correction.title)
    return Target(
        system=system,
        correction=correction,
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
    asking = Anomaly.objects.at_work().for_subject(system.slug, kind, subject).filter(rule__in=correction.answers)
    if anomaly := asking.order_by("pk").first():
        return for_anomaly(anomaly, code)
    return Target(system=system, correction=correction, subject=subject, fingerprint=f"{system.slug}:{kind}:{subject}")


def for_reversal(adjustment: Adjustment) -> Target:
    if adjustment.state != State.APPLIED:
        raise Undraftable(_("Only what was applied can be taken back."))
    system = _system(adjustment.system)
    reversal = _posting(system, adjustment.correction).reversal
    if not reversal:
        raise Undraftable(_("There is no correction that takes this one back."))
    return Target(
        system=system,
        correction=_posting(system, reversal),
        subject=adjustment.subject,
        fingerprint=f"reversal:{adjustment.pk}",
        reverses=adjustment,
    )


def for_edit(adjustment: Adjustment) -> Target:
    system = _system(adjustment.system)
    return Target(
        system=system,
        correction=_posting(system, adjustment.correction),
        subject=adjustment.subject,
        fingerprint=adjustment.fingerprint,
        occurrence=adjustment.occurrence,
        anomaly=adjustment.anomaly,
        reverses=adjustment.reverses,
    )


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
    if correction.kind != CorrectionKind.POSTING:
        raise Undraftable(_("“%s” is not a posting.") % correction.title)
    return correction


def draft(target: Target, *, now: datetime) -> Draft:
    """Raises Undraftable, or systems.reading.SourceUnavailable."""
    with reading(target.system, now=now) as source:
        try:
            lines = target.correction.draft(source, target.subject)
        except Refused as refusal:
            raise Undraftable(str(refusal)) from refusal
        drafted = Draft(target=target, entries=[_entry(target.correction, source, line) for line in lines])
    _refuse_unfit(drafted)
    return drafted


def _entry(correction: Correction, source: Questions, line: Line) -> Entry:
    with source.connection.cursor() as cursor:
        evidence = correction.evidence(cursor, line, False)
    if evidence is None:
        raise Undraftable(_("The source no longer has what a line about %s rests on.") % line.subject)
    return Entry(key=uuid.uuid4(), line=_plain_line(line), evidence=settled(evidence))


def _plain_line(line: Line) -> Line:
    particulars = {name: str(plain(value)) for name, value in line.particulars.items()}
    return Line(subject=str(line.subject), amount=line.amount, unit=line.unit, particulars=particulars)


def _refuse_unfit(drafted: Draft) -> None:
    correction = drafted.target.correction
    if not drafted.entries:
        raise Undraftable(_("The source shows nothing that “%s” would put right.") % correction.title)
    for entry in drafted.entries:
        missing = [name for name in correction.particulars if not entry.line.particulars.get(name)]
        if missing:
            raise Undraftable(
                _("The line about %(subject)s does not name its %(missing)s.")
                % {"subject": entry.line.subject, "missing": ", ".join(missing)}
            )
        if entry.line.unit != correction.unit or not entry.line.amount:
            raise Undraftable(_("The line about %s moves nothing.") % entry.line.subject)
    _refuse_lopsided_reversal(drafted)


def _refuse_lopsided_reversal(drafted: Draft) -> None:
    original: Any = drafted.target.reverses
    if original and drafted.amount != -original.amount:
        raise Undraftable(
            _("Taking #%(number)d back should move %(wanted)d %(unit)s, but the source now gives %(found)d.")
            % {"number": original.number, "wanted": -original.amount, "unit": original.unit, "found": drafted.amount}
        )
