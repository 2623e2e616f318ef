"""What is approved is brought to its end: the worker is asked again, and people are called when that does not help.

An obstacle that has a name (the ledger is away, a table is missing) is tried again every minute: it ends by itself or
by somebody's hand. An error nobody knows is tried a few times, with growing patience; then it needs attention.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q
from django.utils.translation import gettext as _

from adjustments import applying
from adjustments.models import Adjustment
from adjustments.states import UNPOSTED, State
from audit.log import acting

PATIENCE = timedelta(minutes=1)  # a task that was enqueued and has not been heard of since is asked for again
LONGEST = timedelta(hours=1)
MOST_ERRORS = 8  # about two hours; again as many each time that two people let it be tried


def recover(now: datetime) -> str:
    """Asks the worker again for what is approved, or needs attention and may yet be found in the ledger."""
    waiting = list(_unfinished(now))
    asked = sum(applying.enqueue(pk) for pk in waiting)
    told = _("%(waiting)d approved requests are not applied yet; the worker was asked again for %(asked)d.")
    return told % {"waiting": len(waiting), "asked": asked}


def _unfinished(now: datetime) -> list[UUID]:
    quiet = Q(tried_at=None, approved_at__lte=now - PATIENCE) | Q(tried_at__lte=now - PATIENCE)
    attention = Q(state=State.NEEDS_ATTENTION, lines__outcome__in=UNPOSTED, lines__revision=F("revision"))
    unfinished = Adjustment.objects.filter(quiet).filter(Q(state=State.APPROVED) | attention)
    found = unfinished.order_by("number").values_list("pk", "tried_at", "error_count").distinct()
    return [pk for pk, tried_at, errors in found if tried_at is None or tried_at <= now - patience(errors)]


def patience(errors: int) -> timedelta:
    """A minute, and from the second error nobody knows on twice as long after each."""
    return min(PATIENCE * 2 ** max(errors - 1, 0), LONGEST)


def failed(pk: UUID, error: Exception, *, now: datetime) -> None:
    """The worker met an error it does not know. Its name is told, not its text: that may hold personal data."""
    with acting(applying.WORKER):
        adjustment = applying._claimed(pk)
        if adjustment is None:
            return
        count = adjustment.error_count + 1
        reason = _("The worker met an error it does not know (%s); its log says more.") % type(error).__name__
        if adjustment.state == State.APPROVED and count >= MOST_ERRORS * (adjustment.attempt + 1):
            tries = _("It was tried %d times.") % count
            applying._need_attention(adjustment, f"{reason} {tries}", now)
        else:
            applying._note(adjustment, reason, now)
        Adjustment.objects.filter(pk=pk).update(error_count=count)
