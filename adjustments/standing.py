"""Where a request stands: the sentence for people, and the one way to move it from there."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from adjustments import letters
from adjustments.benefits import benefits_as
from adjustments.models import Adjustment, Decision
from adjustments.states import State, Verdict


class Refusal(Exception):
    """It was not done. The text says why, to the person who asked."""


class TooLate(Refusal):
    """Somebody was first, or the deadline has passed."""

    @classmethod
    def after(cls, adjustment: Adjustment) -> "TooLate":
        """Begins with what became of the reader's own click: a list of what others did reads like a success."""
        return cls(_("Not recorded: you came too late. %(standing)s") % {"standing": standing(adjustment)})


class Unready(Refusal):
    """What cannot be recorded, or might be forgotten, is not done."""


class Unproven(Refusal):
    """Nothing stands in the way but a fresh proof of who decides: the person is asked for it, and then it is done."""


class Beneficiary(Refusal):
    """It moves something of the person's own: whoever benefits neither asks nor decides."""

    @classmethod
    def who_decides(cls, person: Any, content: str) -> "Beneficiary":
        words = _("This moves something of your own account (%(identity)s): another approver must decide.")
        return cls(words % {"identity": benefits_as(person, content)})

    @classmethod
    def who_asks(cls) -> "Beneficiary":
        return cls(_("This moves something of your own account: somebody else must ask for it."))


def held(pk: UUID) -> Adjustment:
    """The request, kept from everybody else who would move it until this transaction ends."""
    return Adjustment.objects.select_for_update(no_key=True, of=("self",)).select_related("proposed_by").get(pk=pk)


def move(adjustment: Adjustment, to: State, **columns: Any) -> None:
    """From the state it was read in, and from no other. Raises TooLate when somebody was first."""
    unchanged = Adjustment.objects.filter(pk=adjustment.pk, state=adjustment.state, revision=adjustment.revision)
    if unchanged.update(state=to, **columns) != 1:
        raise TooLate.after(Adjustment.objects.get(pk=adjustment.pk))
    adjustment.refresh_from_db()
    letters.moved(adjustment)


def say(adjustment: Adjustment, person: Any, verdict: Verdict, reason: str, now: datetime) -> None:
    """Bound to the content and the attempt there are; it uses up a fresh proof of who says it."""
    try:
        with transaction.atomic():
            decision = Decision.objects.create(
                adjustment=adjustment,
                revision=adjustment.revision,
                attempt=adjustment.attempt,
                person=person,
                verdict=verdict,
                content_hash=adjustment.content_hash,
                reason=reason,
                at=now,
            )
    except IntegrityError as error:
        if error.__cause__.diag.constraint_name == "decision_by_no_beneficiary":
            raise Beneficiary.who_decides(person, adjustment.content) from error
        if error.__cause__.diag.constraint_name == "decision_after_step_up":
            raise Unproven(_("Type your password or a current code: it proves that it is you who decides.")) from error
        raise
    letters.decided(decision)


def standing(adjustment: Adjustment) -> str:
    """One sentence: what became of it, by whom and when."""
    words = {
        State.PENDING: _("Proposed by %(name)s at %(at)s, and waiting for approval."),
        State.APPROVED: _("Approved by %(name)s at %(at)s."),
        State.APPLIED: _("Approved by %(name)s, and applied at %(at)s."),
        State.REJECTED: _("Rejected by %(name)s at %(at)s."),
        State.WITHDRAWN: _("Withdrawn by %(name)s at %(at)s."),
        State.EXPIRED: _("Expired at %(at)s."),
        State.CANCELLED: _("Cancelled by %(name)s at %(at)s."),
        State.NEEDS_ATTENTION: _("Approved by %(name)s, but it needs attention since %(at)s."),
    }
    at = date_format(localtime(_since(adjustment)), "Y-m-d H:i")
    return words[State(adjustment.state)] % {"name": _who(adjustment), "at": at}


def _since(adjustment: Adjustment) -> Any:
    moments = {
        State.PENDING: adjustment.proposed_at,
        State.APPROVED: adjustment.approved_at,
        State.APPLIED: adjustment.applied_at,
        State.NEEDS_ATTENTION: adjustment.tried_at or adjustment.approved_at,
    }
    return moments.get(State(adjustment.state), adjustment.closed_at)


def _who(adjustment: Adjustment) -> str:
    if adjustment.state in (State.PENDING, State.WITHDRAWN):
        return adjustment.proposed_by.name
    spoken = {State.REJECTED: Verdict.REJECT, State.CANCELLED: Verdict.CANCEL}
    return ", ".join(names(adjustment, spoken.get(State(adjustment.state), Verdict.APPROVE)))


def names(adjustment: Adjustment, verdict: Verdict) -> list[str]:
    """Who said this of the current revision, in order."""
    said = Decision.objects.filter(adjustment=adjustment, revision=adjustment.revision, verdict=verdict)
    return list(dict.fromkeys(said.order_by("at", "pk").values_list("person__name", flat=True)))
