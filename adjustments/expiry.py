"""What waits too long for approval expires. Whatever was approved is recovery's (recovery.py)."""

from datetime import datetime

from django.utils.translation import gettext as _

from adjustments.models import Adjustment
from adjustments.standing import TooLate, held, move
from adjustments.states import State
from audit.log import acting, job_actor

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
