"""What waits too long ends: unapproved requests expire, approved ones are taken up again or closed behind a fence."""

from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils.translation import gettext as _

from adjustments import applying
from adjustments.models import Adjustment
from adjustments.standing import TooLate, held, move
from adjustments.states import UNPOSTED, State
from audit.log import acting, job_actor

PATIENCE = timedelta(minutes=1)  # a task that was enqueued and has not been heard of since is asked for again
EXPIRER = job_actor("adjustments_expire")


def expire(now: datetime) -> str:
    """Pending requests whose time to be approved has passed."""
    expired = sum(_expire(pk, now) for pk in Adjustment.objects.overdue_for_approval(now).values_list("pk", flat=True))
    return _("%d requests expired unapproved.") % expired


def _expire(pk: object, now: datetime) -> bool:
    with acting(EXPIRER):
        adjustment = held(pk)
        if adjustment.state != State.PENDING or adjustment.approve_by > now:
            return False
        try:
            move(adjustment, State.EXPIRED, closed_at=now)
        except TooLate:
            return False
    return True


def recover(now: datetime) -> str:
    """Asks the worker again for what is approved, or needs attention and may yet be found in the ledger."""
    waiting = list(_unfinished(now))
    asked = sum(applying.enqueue(pk) for pk in waiting)
    told = _("%(waiting)d approved requests are not applied yet; the worker was asked again for %(asked)d.")
    return told % {"waiting": len(waiting), "asked": asked}


def _unfinished(now: datetime) -> list[object]:
    quiet = Q(tried_at=None, approved_at__lte=now - PATIENCE) | Q(tried_at__lte=now - PATIENCE)
    attention = Q(state=State.NEEDS_ATTENTION, lines__outcome__in=UNPOSTED, lines__revision=F("revision"))
    unfinished = Adjustment.objects.filter(quiet).filter(Q(state=State.APPROVED) | attention)
    return list(unfinished.order_by("number").values_list("pk", flat=True).distinct())
