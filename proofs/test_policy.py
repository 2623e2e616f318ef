"""Approvals while the policy is being changed: each was made under the rule that held at that moment.

The audit log is in the order of the commits, so it is replayed: what a request was approved under must be the version
that had begun last.
"""

import random
import time
from datetime import timedelta

import pytest

from accounts.factories import stepped_up
from adjustments import workflow
from adjustments.models import Adjustment
from adjustments.policies import changes, renewal
from adjustments.states import State
from audit.models import Entry
from proofs.racing import DONE, Crew
from proofs.shop import Shop

pytestmark = pytest.mark.django_db(transaction=True)

BATCH = 10
SPREAD = 0.3  # seconds: about what a change takes, so that an approval meets it at any of its moments
KNOWN = {DONE, "Changed", "PolicyChanged"}


@pytest.fixture
def prove_changes(support, approver, admin, second_admin, now, seed, progress):
    later, moments = now + timedelta(minutes=5), random.Random(seed)

    def approve(pk):
        time.sleep(moments.uniform(0, SPREAD))
        request = Adjustment.objects.get(pk=pk)
        seen = {"revision": request.revision, "seen": request.content_hash, "now": later}
        workflow.approve(adjustment=request, approver=stepped_up(approver, request, later), **seen)

    def change(_pk):
        rule = changes.current_rule(system="", correction="", from_amount=0)
        terms = {**rule.terms, "reason_length": 3 - rule.reason_length}  # 1, 2, 1, …
        asked = changes.ask(kind="change", terms=terms, reason="A proof.", by=admin, now=later)
        changes.confirm(change=asked, by=second_admin, now=later)

    def prove(count):
        shop, answers = Shop(proposer=support, now=now), []
        with Crew(approve, change, seed=seed) as crew:
            for _start in progress(range(0, count, BATCH)):
                answers += crew.race([request.pk for request in shop.requests(BATCH)])
        return _judged(answers)

    return prove


def _judged(answers):
    """How many were approved, and how many were told that the policy had changed."""
    unknown = [answer for pair in answers for answer in pair if answer.kind not in KNOWN]
    assert not unknown, f"answered otherwise: {unknown[:3]}"
    approved = sum(approval.kind == DONE for approval, _change in answers)
    assert Adjustment.objects.filter(state=State.APPROVED).count() == approved
    wrong = _under_another_rule()
    assert not wrong, f"approved under another rule than the one that held: {wrong[:3]}"
    return approved, len(answers) - approved


def _under_another_rule():
    told = Entry.objects.filter(action_type__in=["policy_rule_added", "adjustment_approved"]).order_by("position")
    holding, wrong = "house-1", []
    for entry in told:
        if entry.action_type == "policy_rule_added":
            holding = entry.metadata["after"]["version"]
        elif entry.metadata["policy"] != holding:
            wrong.append((entry.metadata["number"], entry.metadata["policy"], holding))
    return wrong


@pytest.mark.proof("policy changes")
def test_nothing_is_approved_under_a_rule_that_has_ended(prove_changes, times, figure):
    count = times(full=500, small=20)
    approved, refused = prove_changes(count)
    figure(f"{count:,} approvals, each against a change of policy: {approved:,} before it, {refused:,} told of it")


@pytest.mark.sensitivity("policy changes")
def test_without_the_guard_an_old_rule_would_do(planted, caught, prove_changes):
    """Requests are left under the rule before, as by a change typed by hand, and nothing compares the two."""
    planted.function(renewal, "hold_waiting", list)
    for table in ("decision", "adjustment"):
        planted.without_trigger(f"adjustments_{table}", "adjustments_guard_policy")
    with caught("nothing compares the policy of a decision", "under another rule"):
        prove_changes(20)
