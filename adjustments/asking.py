"""What a request is about: an anomaly, a subject, what was posted, or many of these. The source is not asked here."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from adjustments.models import Adjustment, AdjustmentLine
from adjustments.states import Outcome, State
from anomalies.models import Anomaly
from systems import registry
from systems.base import Correction, CorrectionKind, Line, NotOffered, System

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
        firsts = {(line.fingerprint.partition(FURTHER)[0], line.occurrence): line for line in reversed(lines)}
        asked = [_asked_before(line, first) for (first, _occurrence), line in reversed(firsts.items())]
    return Target(system=system, correction=correction, asked=asked, reverses=adjustment.reverses, edits=adjustment)


def _asked_before(line: AdjustmentLine, first: str) -> Asked:
    return Asked(subject=line.subject, fingerprint=first, occurrence=line.occurrence, anomaly=line.anomaly)


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
