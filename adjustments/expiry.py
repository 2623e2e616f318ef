"""What waits too long for approval expires. Whatever was approved is recovery's (recovery.py)."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import DurationField, F, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from adjustments import letters
from adjustments.models import Adjustment
from adjustments.people import voters
from adjustments.policies.models import PolicyRule
from adjustments.standing import TooLate, held, move
from adjustments.states import State, Verdict
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


def warn(now: datetime) -> str:
    """Tells those who can still act that a deadline is near: as long before it as the policy says, and once."""
    told = 0
    for adjustment in near_their_end(now):
        pending = adjustment.state == State.PENDING
        with transaction.atomic():
            told += letters.due(
                adjustment, _able_to_act(adjustment), adjustment.approve_by if pending else adjustment.apply_by, now
            )
    return _("%d letters were written about deadlines that are near.") % told


def near_their_end(now: datetime) -> list[Adjustment]:
    """Pending and approved requests whose deadline is no further away than the notice of their rule."""
    notice = PolicyRule.objects.filter(version=OuterRef("policy_version")).values("notice")
    open_ones = Adjustment.objects.filter(state__in=[State.PENDING, State.APPROVED]).select_related("proposed_by")
    noticed = open_ones.annotate(notice=Subquery(notice, output_field=DurationField()))
    to_approve = Q(state=State.PENDING, approve_by__gt=now, approve_by__lte=now + F("notice"))
    to_apply = Q(state=State.APPROVED, apply_by__gt=now, apply_by__lte=now + F("notice"))
    return list(noticed.filter(to_approve | to_apply).order_by("number"))


def _able_to_act(adjustment: Adjustment) -> list[Any]:
    """Whoever may approve it, and the proposer; once it is approved, those who approved it and the proposer."""
    if adjustment.state == State.PENDING:
        able = [voter.person for voter in voters(adjustment) if not voter.why_not]
    else:
        said = adjustment.decisions.filter(revision=adjustment.revision, verdict=Verdict.APPROVE)
        able = [decision.person for decision in said.select_related("person")]
    proposer = [adjustment.proposed_by] if adjustment.proposed_by.is_active else []
    return [*able, *proposer]
