"""What a person does elsewhere: approved here, done there, and the evidence kept here under a second name.

Whoever approved it does not carry it out: two people stand behind what no machine can check.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError
from django.utils.translation import gettext as _

from adjustments import applying, ledger
from adjustments.elsewhere.models import CarriedOut
from adjustments.models import Adjustment, AdjustmentLine
from adjustments.people import Person
from adjustments.standing import Refusal, TooLate, Unready, held
from adjustments.states import UNPOSTED, Outcome, State, Verdict
from adjustments.wording import correction_of
from audit.log import acting
from billingadmin.texts import Unreadable, readable
from systems.base import CorrectionKind


class NotForYou(Refusal):
    """This person may not be the second name."""


class NoEvidence(Refusal):
    """Nothing that could be looked up, or at a time that cannot be."""


def carry_out(pk: UUID, *, now: datetime) -> None:
    """The worker's part: to close what two people cancelled, and to call people when the deadline has passed.

    It does not expire by itself: somebody may have done it, and only people can know.
    """
    with acting(applying.WORKER):
        adjustment = applying._claimed(pk)
        if not adjustment:
            return
        if applying.asked_to_cancel(adjustment):
            unposted = adjustment.current_lines().filter(outcome__in=UNPOSTED)
            unposted.update(outcome=Outcome.VOID)
        elif adjustment.state == State.APPROVED and now >= adjustment.apply_by:
            why = _("Nobody has recorded that it was carried out, and its time has passed. Was it?")
            applying._need_attention(adjustment, why, now)


def record(*, adjustment: Adjustment, person: Person, reference: str, done_at: datetime, now: datetime) -> Adjustment:
    """Keeps the evidence for every line that waits, and hands the request to the worker to be closed."""
    reference = _readable(reference)
    if why := ledger.why_unready(now):
        raise Unready(why)
    with acting(person.actor, reason=reference):
        current = held(adjustment.pk)
        _refuse(current, person)
        done_at = _credible(current, done_at, now)
        for line in current.current_lines().filter(outcome__in=UNPOSTED):
            _keep(line, person, reference, done_at, now)
            applying._settle(current, line, now)
        applying.enqueue(current.pk)
    return current


def _readable(reference: str) -> str:
    try:
        return readable(reference)
    except Unreadable as why:
        raise NoEvidence(why.message) from None


def _refuse(adjustment: Adjustment, person: Person) -> None:
    correction = correction_of(adjustment)
    if correction is None or correction.kind != CorrectionKind.PROCEDURE:
        raise Refusal(_("This is not carried out by hand."))
    if adjustment.state not in applying.DRIVEN:
        raise TooLate.after(adjustment)
    if why := why_not(adjustment, person):
        raise NotForYou(why)


def _credible(adjustment: Adjustment, done_at: datetime, now: datetime) -> datetime:
    """People tell the time to the minute: in the minute of the approval is after it."""
    if not adjustment.approved_at - timedelta(minutes=1) < done_at <= now:
        raise NoEvidence(_("It is carried out after it was approved, and not in the future."))
    return max(done_at, adjustment.approved_at)


def why_not(adjustment: Adjustment, person: Person) -> str:
    """Why this person may not be the one who carried it out."""
    if not person.may("triage"):
        return _("Your roles do not include this.")
    approvals = adjustment.decisions.filter(revision=adjustment.revision, verdict=Verdict.APPROVE)
    if approvals.filter(person=person).exists():
        return _("You approved this; another person carries it out and records it.")
    return ""


def _keep(line: AdjustmentLine, person: Person, reference: str, done_at: datetime, now: datetime) -> None:
    told = {"reference": reference, "done_at": done_at.isoformat(), "carried_out_by": person.name}
    try:
        CarriedOut.objects.create(line=line, person=person, reference=reference, done_at=done_at, recorded_at=now)
    except IntegrityError as error:
        if error.__cause__.diag.constraint_name == "carried_out_by_another":
            raise NotForYou(why_not(line.adjustment, person) or _("You may not record this.")) from error
        raise
    applying._keep(line, applying.Answer(outcome=Outcome.POSTED, at=done_at, receipt=told))
