"""What a change of policy does to the requests that wait: each whose rule is another one now begins anew.

It gets a next revision of the same lines under the rule there is, which nobody has approved yet; those concerned are
told. A request that cannot be renewed stays as it is and cannot be approved: the database refuses decisions under a
policy that is not the one there is. What was approved before and is not posted goes back to people (attention.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Abs
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from adjustments import letters, workflow
from adjustments.drafting import Asked, Draft, DraftedLine, Undraftable, for_edit
from adjustments.models import Adjustment, AdjustmentLine
from adjustments.policies.models import Kind, PolicyChange, PolicyEffect, PolicyRule
from adjustments.policies.rules import most_specific
from adjustments.policy import Policy, policy_now
from adjustments.states import Verdict
from audit.log import acting, job_actor
from billingadmin.sql import statement

SQL = Path(__file__).with_name("policies.sql")
RENEWER = job_actor("adjustments_renew")


@dataclass(frozen=True, kw_only=True)
class Renewed:
    adjustment: Adjustment
    voided: int  # approvals that no longer count


def hold_waiting() -> list[Adjustment]:
    """The requests that wait, kept from everybody else. Taken before the policy's lock, in order of number."""
    waiting = Adjustment.objects.pending().select_for_update(no_key=True, of=("self",))
    return list(waiting.select_related("proposed_by", "anomaly", "reverses").order_by("number"))


def renew(waiting: Sequence[Adjustment], *, now: datetime) -> list[Renewed]:
    """Those of them that are under another rule than the one they were signed under."""
    renewed = []
    for adjustment in waiting:
        policy = policy_now(adjustment)
        if policy.version == adjustment.policy_version or now >= adjustment.approve_by:
            continue
        try:
            with transaction.atomic():
                renewed.append(_renew(adjustment, policy, now))
        except (IntegrityError, Undraftable):
            adjustment.refresh_from_db()  # it stays, and cannot be approved; its page says so
    return renewed


def catch_up(now: datetime) -> str:
    """Those that were proposed while a change was being confirmed, under the rule before it."""
    with acting(RENEWER, reason=_("The policy has changed.")):
        renewed = renew(_left_behind(), now=now)
    told = ngettext(
        "%(count)d request came under another rule.", "%(count)d requests came under another rule.", len(renewed)
    )
    return told % {"count": len(renewed)}


def _left_behind() -> list[Adjustment]:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "left_behind"))
        left = [pk for [pk] in cursor.fetchall()]
    free = Adjustment.objects.pending().filter(pk__in=left)
    free = free.select_for_update(no_key=True, of=("self",), skip_locked=True)
    return list(free.select_related("proposed_by", "anomaly", "reverses").order_by("number"))


def would_renew(change: PolicyChange) -> int:
    """How many requests that wait would come under another rule, were it confirmed now."""
    kept = list(PolicyRule.objects.current().exclude(pk=change.replaces_id))
    after = [*kept, change] if change.kind != Kind.RETIRE else kept
    waiting = (
        Adjustment.objects.pending().filter(system=change.system) if change.system else Adjustment.objects.pending()
    )
    current = Q(lines__revision=F("revision"))
    sized = waiting.annotate(size=Sum(Abs("lines__amount"), filter=current)).order_by()
    found = 0
    for system, correction, size, version in sized.values_list("system", "correction", "size", "policy_version"):
        rule = most_specific(after, system=system, correction=correction, amount=size or 0)
        found += rule is change or rule.version != version
    return found


def _renew(adjustment: Adjustment, policy: Policy, now: datetime) -> Renewed:
    spoken = _approvers_so_far(adjustment)
    author = adjustment.revisions.select_related("by").get(number=adjustment.revision).by
    was = adjustment.policy_version
    workflow.store_revision(adjustment, as_signed(adjustment), author, adjustment.reason, now)
    PolicyEffect.objects.create(
        adjustment=adjustment,
        revision=adjustment.revision,
        rule=PolicyRule.objects.get(version=policy.version),
        was=was,
        voided=len(spoken),
        at=now,
    )
    letters.renewed(adjustment, spoken, now)
    return Renewed(adjustment=adjustment, voided=len(spoken))


def as_signed(adjustment: Adjustment) -> Draft:
    """The draft that would sign the same lines again, under keys of their own."""
    lines = adjustment.current_lines().select_related("anomaly", "reverses")
    return Draft(target=for_edit(adjustment), entries=[_again(line) for line in lines])


def _again(line: AdjustmentLine) -> DraftedLine:
    asked = Asked(
        subject=line.subject,
        fingerprint=line.fingerprint,
        occurrence=line.occurrence,
        anomaly=line.anomaly,
        reverses=line.reverses,
    )
    again = {"line": line.as_line(), "evidence": line.evidence, "customer": line.customer}
    return DraftedLine(key=uuid4(), asked=asked, nth=1, **again)


def _approvers_so_far(adjustment: Adjustment) -> list[int]:
    said = adjustment.decisions.filter(revision=adjustment.revision, verdict=Verdict.APPROVE)
    return list(said.values_list("person_id", flat=True))
