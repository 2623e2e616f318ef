"""The states of an adjustment, and every move there is between them.

The database holds the same table (``adjustments_may_move`` in migrations/0002_guards.sql), so that no path round this
module makes a move of its own; a test compares the two, pair by pair.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    PENDING = "pending", _("waiting for approval")
    APPROVED = "approved", _("approved")  # and waiting to be posted
    APPLIED = "applied", _("applied")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn")
    EXPIRED = "expired", _("expired")
    CANCELLED = "cancelled", _("cancelled")
    NEEDS_ATTENTION = "needs_attention", _("needs attention")


MOVES: dict[State, frozenset[State]] = {
    # To itself: the next revision, under which all decisions so far are void.
    State.PENDING: frozenset({State.PENDING, State.APPROVED, State.REJECTED, State.WITHDRAWN, State.EXPIRED}),
    State.APPROVED: frozenset({State.APPLIED, State.EXPIRED, State.CANCELLED, State.NEEDS_ATTENTION}),
    State.NEEDS_ATTENTION: frozenset({State.APPROVED, State.APPLIED, State.CANCELLED}),
    State.APPLIED: frozenset(),  # a wrong one is followed by its reversal, a request of its own
    State.REJECTED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.EXPIRED: frozenset(),
    State.CANCELLED: frozenset(),
}

OPEN = frozenset({State.PENDING, State.APPROVED, State.NEEDS_ATTENTION})  # something is still to happen
CLOSED_UNAPPLIED = frozenset({State.REJECTED, State.WITHDRAWN, State.EXPIRED, State.CANCELLED})
LIVE = OPEN | {State.APPLIED}  # stands in the way of a second request for the same thing


class Verdict(models.TextChoices):
    """What a person says of a request. One says approve or reject; retry and cancel take two people."""

    APPROVE = "approve", _("approved")
    REJECT = "reject", _("rejected")
    RETRY = "retry", _("asked to try again")
    CANCEL = "cancel", _("asked to cancel")


class Outcome(models.TextChoices):
    """What became of a line in the ledger. A void key is a fence: this line will never be posted."""

    WAITING = "waiting", _("not posted")
    POSTED = "posted", _("posted")
    REFUSED = "refused", _("refused")  # the ledger or its evidence forbids it; two people may have it tried again
    VOID = "void", _("never to be posted")


UNPOSTED = frozenset({Outcome.WAITING, Outcome.REFUSED})  # may yet be posted, or fenced
