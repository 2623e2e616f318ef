"""Caps: of a line, and of a day by proposer, approver, customer and in all."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from adjustments import workflow
from adjustments.models import Adjustment
from adjustments.policies import caps
from adjustments.policy import policy_now
from adjustments.states import State
from adjustments.tests.test_guards import APPROVE, decide, decision, refused

pytestmark = pytest.mark.django_db


def test_a_line_above_its_cap_is_not_proposed(change_policy, requests):
    change_policy(system="paperclips", line_cap=500)

    [pending] = requests(500)
    assert pending.state == State.PENDING
    with pytest.raises(caps.CapReached, match="at most 500 JPY; the largest of these moves 501 JPY"):
        list(requests(501))


def test_nor_by_any_other_path(change_policy, requests, monkeypatch, support, run_deferred):
    change_policy(system="paperclips", line_cap=500)
    monkeypatch.setattr(workflow, "refuse_impossible", lambda policy, asking: None)

    with pytest.raises(workflow.IntegrityError) as refusal:
        list(requests(501))
    assert refusal.value.__cause__.diag.constraint_name == "line_within_its_cap"


def test_what_no_day_lets_through_is_not_proposed(change_policy, requests):
    change_policy(system="paperclips", total_cap=800)

    with pytest.raises(caps.CapReached, match=r"At most 800 JPY .*this asks for 801 JPY"):
        list(requests(801))


@pytest.mark.parametrize(
    ("cap", "told"),
    [
        ("total_cap", "(in all)"),
        ("proposer_cap", "(proposed by 佐藤 健)"),
        ("approver_cap", "(approved by Aiko Tanaka)"),
        ("customer_cap", "(for customer hanako)"),
    ],
)
def test_a_cap_of_the_day_refuses_and_says_when_it_frees_up(change_policy, requests, approve, approver, now, cap, told):
    change_policy(system="paperclips", **{cap: 1_000})
    first, second, small = requests(600, 500, 400)
    approve(first, approver)

    with pytest.raises(caps.CapReached) as refusal:
        approve(second, approver, at=now + timedelta(minutes=10))

    said = str(refusal.value)
    assert told in said
    assert "600 JPY are used, 400 JPY are left, and this asks for 500 JPY" in said
    assert "2026-11-03 12:05" in said
    assert Adjustment.objects.get(pk=second.pk).state == State.PENDING
    assert not second.decisions.exists()
    assert approve(small, approver).state == State.APPROVED


def test_a_day_later_it_is_free_again(change_policy, requests, approve, approver, now):
    change_policy(system="paperclips", total_cap=1_000)
    first, second = requests(600, 600)
    approve(first, approver, at=now)

    with pytest.raises(caps.CapReached):
        approve(second, approver, at=now + timedelta(hours=24, seconds=-1))
    assert approve(second, approver, at=now + timedelta(hours=24)).state == State.APPROVED


def test_each_has_a_cap_of_their_own(change_policy, requests, approve, approver, second_approver):
    change_policy(system="paperclips", approver_cap=600, customer_cap=600)
    for_hanako, for_taro = requests(600), requests(600, customer="Taro")

    assert approve(next(for_hanako), approver).state == State.APPROVED
    assert approve(next(for_taro), second_approver).state == State.APPROVED


def test_a_rule_of_a_correction_counts_that_correction_only(change_policy, requests, approve, approver, now):
    change_policy(system="paperclips", correction="void_payment", total_cap=100)
    [pending] = requests(600)
    assert approve(pending, approver).state == State.APPROVED

    asking = caps.asking_of(Adjustment.objects.get(pk=pending.pk))
    voiding = replace(asking, but_not=None, amounts=[100], customers={})
    rule = policy_now(pending).__class__(
        **{**vars(policy_now(pending)), "correction": "void_payment", "total_cap": 100}
    )
    [left] = caps.lefts(rule, voiding, now + timedelta(hours=1))
    assert (left.used, left.left, left.fits) == (0, 100, True)


def test_the_database_counts_for_every_path(change_policy, requests, approve, approver, second_approver, now):
    change_policy(system="paperclips", total_cap=1_000)
    first, second = requests(600, 600)
    approve(first, approver)
    decide(second_approver, *decision(second, second_approver))

    refused("adjustment_within_caps", APPROVE, now, now + timedelta(hours=1), second.pk)


def test_a_moment_in_the_future_does_not_look_past_what_is_used(
    change_policy, requests, approve, approver, second_approver
):
    change_policy(system="paperclips", total_cap=1_000)
    first, second = requests(600, 600, at=timezone.now())  # the database looks at its own clock
    approve(first, approver, at=timezone.now())
    decide(second_approver, *decision(second, second_approver))

    ahead = timezone.now() + timedelta(days=2)
    refused("adjustment_within_caps", APPROVE, ahead, ahead + timedelta(hours=1), second.pk)
