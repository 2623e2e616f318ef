"""Ways out for what was approved and is not applied: to try again, or to cancel. Each takes two people.

The first asks, the second confirms; at least one of the two had no hand in the request. A cancelled request is closed
only when the worker has put a void key into the ledger: a posting that is still under way would find it there.
"""

from datetime import datetime

from django.utils.translation import gettext as _

from adjustments import applying
from adjustments.models import Adjustment
from adjustments.people import Person, hands
from adjustments.policies.caps import within_caps
from adjustments.policy import UNDER_ANOTHER_POLICY, policy_now
from adjustments.standing import Refusal, TooLate, held, move, say
from adjustments.states import Outcome, State, Verdict
from audit.log import acting
from billingadmin.texts import Unreadable, readable

ASKED_IN = {
    Verdict.RETRY: {State.NEEDS_ATTENTION},
    Verdict.CANCEL: {State.APPROVED, State.NEEDS_ATTENTION},
}


class NeedsAnother(Refusal):
    """One person alone is not enough."""


def ask(*, adjustment: Adjustment, person: Person, verdict: Verdict, reason: str, now: datetime) -> Adjustment:
    """The first asking waits for a second person; the second one lets the worker do it. Asking twice is calm."""
    try:
        reason = readable(reason)
    except Unreadable as why:
        raise Refusal(why.message) from None
    with acting(person.actor, reason=reason, correlation_id=adjustment.correlation_id):
        current = held(adjustment.pk)
        if current.state not in ASKED_IN[verdict]:
            raise TooLate.after(current)
        asked = _asked(current, verdict)
        if person.pk in asked:
            return current
        if verdict == Verdict.RETRY and policy_now(current).version != current.policy_version:
            raise Refusal(str(UNDER_ANOTHER_POLICY))
        _refuse_without_a_second_mind(current, person, asked)
        say(current, person, verdict, reason, now)
        if asked:
            _act(current, verdict, now)
    return current


def _asked(adjustment: Adjustment, verdict: Verdict) -> set[int]:
    said = adjustment.decisions.filter(revision=adjustment.revision, attempt=adjustment.attempt, verdict=verdict)
    return set(said.values_list("person_id", flat=True))


def _refuse_without_a_second_mind(adjustment: Adjustment, person: Person, asked: set[int]) -> None:
    """Who confirms decides: an approver. Of the two, one at least had no hand in the request."""
    if not asked:
        return
    if not person.may("decide"):
        raise NeedsAnother(_("Somebody has asked for this; an approver must confirm it."))
    if {person.pk, *asked} <= hands(adjustment):
        raise NeedsAnother(_("Both of you had a hand in this; another approver must confirm it."))


def _act(adjustment: Adjustment, verdict: Verdict, now: datetime) -> None:
    if verdict == Verdict.RETRY:
        within = policy_now(adjustment).apply_within
        with within_caps(adjustment, now):
            move(adjustment, State.APPROVED, approved_at=now, apply_by=now + within, obstacle="")
        refused = adjustment.current_lines().filter(outcome=Outcome.REFUSED)
        refused.update(outcome=Outcome.WAITING, obstacle="", found=None)  # what is posted stays posted
    applying.enqueue(adjustment.pk)
