"""Rules as data: which one holds, who changes it, and what a change does to the requests that wait."""

import random
from datetime import timedelta

import pytest
from django.db import connection

from accounts.factories import stepped_up
from adjustments import attention, workflow
from adjustments.models import Adjustment
from adjustments.policies import changes, renewal
from adjustments.policies.models import PolicyChange, PolicyEffect, PolicyRule
from adjustments.policy import policy_for
from adjustments.standing import Refusal
from adjustments.states import State, Verdict
from audit.models import Entry
from jobs.models import Letter

pytestmark = pytest.mark.django_db

SYSTEMS, CORRECTIONS, AMOUNTS = ("paperclips", "kiosk", "mint"), ("", "book_payment", "refund"), (0, 100, 5_000)


def holding(**request):
    return policy_for(**{"system": "paperclips", "correction": "book_payment", "amount": 500} | request)


@pytest.fixture
def ask(admin, now):
    def ask(kind="change", reason="The finance board says so.", by=admin, terms=None, **place):
        rule = PolicyRule.objects.get(version="house-1")
        terms = {**rule.terms, "approvals": 2} if terms is None else {**rule.terms, **terms}
        return changes.ask(kind=kind, terms=terms, reason=reason, by=by, now=now, **place)

    return ask


# Which rule holds ----------------------------------------------------------------------------------------------------


def test_the_house_begins_with_one_rule_for_everything():
    house = holding(system="whatever")

    assert house.version == "house-1"
    assert (house.approvals, house.approve_within, house.apply_within) == (1, timedelta(hours=72), timedelta(hours=24))
    assert not house.has_caps


def test_the_most_specific_rule_holds(change_policy, second_approver, approver):
    change_policy(system="paperclips", reason_length=2)
    change_policy(system="paperclips", from_amount=1_000, approvals=2)
    change_policy(system="paperclips", correction="refund", reason_length=3)

    assert [holding(amount=size).approvals for size in (0, 999, 1_000, -1_000)] == [1, 1, 2, 2]
    assert holding(correction="refund", amount=5_000).reason_length == 3
    assert holding(system="kiosk").version == "house-1"


def test_python_and_the_database_give_the_same_answer(change_policy):
    chance = random.Random(20261102)
    for _number in range(12):
        place = {"system": chance.choice(SYSTEMS), "correction": chance.choice(CORRECTIONS)}
        place["from_amount"] = chance.choice(AMOUNTS)
        if not changes.current_rule(**place):
            change_policy(**place)

    for system in (*SYSTEMS, "elsewhere"):
        for correction in (*CORRECTIONS[1:], "other"):
            for amount in (0, 1, 99, 100, -100, 4_999, 5_000, -(10**12)):
                asked = [system, correction, amount]
                with connection.cursor() as cursor:
                    cursor.execute("select (adjustments_policy_for(%s, %s, %s)).version", asked)
                    [version] = cursor.fetchone()
                assert holding(system=system, correction=correction, amount=amount).version == version


# Asking and confirming -----------------------------------------------------------------------------------------------


def test_a_change_holds_once_a_second_admin_confirms(ask, second_admin, approver, second_approver, now):
    change = ask()
    assert holding().approvals == 1

    changes.confirm(change=change, by=second_admin, now=now)

    assert holding().approvals == 2
    assert holding().version == f"policy-{PolicyRule.objects.current().get().pk}"
    assert PolicyRule.objects.get(version="house-1").ended_by == change


def test_nobody_confirms_their_own_change(ask, admin, approver, second_approver, now):
    with pytest.raises(changes.Refusal, match="another admin"):
        changes.confirm(change=ask(), by=admin, now=now)


def test_only_an_admin_asks_and_confirms(ask, support, manager, approver, second_approver, now):
    with pytest.raises(changes.Refusal, match="Only an admin"):
        ask(by=approver)
    with pytest.raises(changes.Refusal, match="Only an admin"):
        changes.confirm(change=ask(), by=manager, now=now)
    with pytest.raises(changes.Refusal, match="Only an admin"):
        changes.refuse(change=PolicyChange.objects.get(), by=support, reason="No.", now=now)


def test_another_admin_refuses_and_the_asker_withdraws(ask, admin, second_admin, approver, second_approver, now):
    change = ask()
    with pytest.raises(changes.Refusal, match="withdraws"):
        changes.refuse(change=change, by=admin, reason="No.", now=now)
    changes.refuse(change=change, by=second_admin, reason="Two are too many.", now=now)
    again = ask()
    with pytest.raises(changes.Refusal, match="withdraws"):
        changes.withdraw(change=again, by=second_admin, now=now)
    changes.withdraw(change=again, by=admin, now=now)

    assert [one.state for one in PolicyChange.objects.order_by("pk")] == ["refused", "withdrawn"]
    assert holding().version == "house-1"
    with pytest.raises(changes.AlreadyDecided):
        changes.confirm(change=change, by=second_admin, now=now)


def test_a_rule_is_added_changed_and_retired(change_policy, now):
    change_policy(system="paperclips", line_cap=900)
    assert holding().line_cap == 900
    change_policy(system="paperclips", line_cap=800)
    assert holding().line_cap == 800
    change_policy(system="paperclips", kind="retire")

    assert holding().version == "house-1"
    assert PolicyRule.objects.filter(system="paperclips").count() == 2


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"kind": "add"}, "a rule for this already"),
        ({"kind": "change", "system": "paperclips"}, "no rule for this any more"),
        ({"kind": "retire"}, "cannot be retired|not retired"),
        ({"terms": {"approvals": 3}}, "only 2 approvers"),
        ({"terms": {}}, "says already"),
        ({"terms": {"total_cap": 5}}, "name the system"),
        ({"kind": "add", "correction": "refund"}, "name the system"),
        ({"kind": "add", "from_amount": 100}, "name the system"),
        ({"kind": "add", "system": "paperclips", "terms": {"line_cap": 0}}, "more than nothing"),
        ({"terms": {"notice": timedelta(hours=24)}}, "shorter than either"),
        ({"terms": {"approve_within": timedelta(days=91)}}, "90 days"),
        ({"terms": {"reason_length": 0}}, "1 to 500"),
    ],
)
def test_what_could_never_be_is_refused_with_a_sentence(ask, approver, second_approver, asked, said):
    with pytest.raises(changes.Refusal, match=said):
        ask(**asked)


def test_one_change_of_a_rule_waits_at_a_time(ask, second_admin, approver, second_approver, now):
    ask()

    with pytest.raises(changes.Refusal, match="already waits"):
        ask()


def test_changes_and_rules_record_themselves(change_policy, admin, second_admin):
    change_policy(reason_length=20)

    told = Entry.objects.filter(target_type__startswith="policy").order_by("position")
    kinds = [(entry.action_type, entry.actor) for entry in told]
    asker, confirmer = admin.actor.name, second_admin.actor.name
    assert kinds == [
        ("policy_change_added", asker),
        ("policy_change_changed", confirmer),
        ("policy_rule_changed", confirmer),
        ("policy_rule_added", confirmer),
    ]
    assert {entry.reason for entry in told} == {"The finance board says so."}
    assert told[3].metadata["after"]["reason_length"] == 20


# What waits ----------------------------------------------------------------------------------------------------------


def test_a_change_makes_approvals_so_far_void_and_tells_those_concerned(
    target, propose, approve, change_policy, support, approver, second_approver
):
    change_policy(approvals=2)
    pending = approve(propose(target, support), approver)
    before = list(pending.current_lines().values_list("subject", "amount", "evidence"))

    change_policy(approvals=2, reason_length=5)

    pending.refresh_from_db()
    assert (pending.state, pending.revision, pending.policy_version) == (State.PENDING, 2, holding().version)
    assert list(pending.current_lines().values_list("subject", "amount", "evidence")) == before
    assert PolicyEffect.objects.get(adjustment=pending).voided == 1
    assert set(Letter.objects.values_list("to", flat=True)) == {support.email, approver.email}
    assert approve(pending, second_approver).state == State.PENDING
    assert approve(pending, approver).state == State.APPROVED


def test_a_request_whose_rule_stays_the_same_stays_the_same(pending, change_policy):
    change_policy(system="kiosk", reason_length=2)
    change_policy(system="paperclips", from_amount=501, reason_length=2)

    pending.refresh_from_db()
    assert pending.revision == 1
    assert not Letter.objects.exists()


def test_the_author_of_the_lines_stays_the_author(pending, change_policy, support):
    change_policy(reason_length=2)

    assert set(pending.revisions.values_list("by", flat=True)) == {support.pk}
    assert set(pending.contributors.values_list("person", flat=True)) == {support.pk}


def test_what_cannot_be_renewed_cannot_be_approved(pending, approve, change_policy, approver, monkeypatch):
    def gone(adjustment):
        raise renewal.Undraftable("The system is no longer part of the console.")

    monkeypatch.setattr(renewal, "as_signed", gone)
    change_policy(reason_length=2)
    pending.refresh_from_db()
    assert pending.revision == 1

    with pytest.raises(workflow.PolicyChanged):
        approve(pending, approver)


def test_what_was_left_behind_is_caught_up_with(pending, change_policy, now, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(renewal, "hold_waiting", list)  # proposed while the change was being confirmed
        change_policy(reason_length=2)

    assert renewal.catch_up(now).startswith("1 request ")

    pending.refresh_from_db()
    assert pending.revision == 2


def test_what_was_approved_before_is_cancelled_and_proposed_anew(
    approved, key_table, change_policy, support, approver, second_approver, now
):
    from adjustments import applying

    change_policy(reason_length=2)
    applying.drive(approved.pk, now=now + timedelta(minutes=6))

    stopped = Adjustment.objects.get()
    assert stopped.state == State.NEEDS_ATTENTION
    assert "Cancel it" in stopped.obstacle
    with pytest.raises(Refusal, match="propose it again"):
        attention.ask(adjustment=stopped, person=support, verdict=Verdict.RETRY, reason="Again.", now=now)
    for person in (support, second_approver):
        asked = {"verdict": Verdict.CANCEL, "reason": "Under the new policy.", "now": now}
        attention.ask(adjustment=stopped, person=stepped_up(person, stopped, now), **asked)
    applying.drive(approved.pk, now=now + timedelta(minutes=8))
    assert Adjustment.objects.get().state == State.CANCELLED


# What the proposer and the approver must say -------------------------------------------------------------------------


def test_the_proposer_says_as_much_as_the_policy_asks(target, propose, support, change_policy):
    change_policy(reason_length=30)

    with pytest.raises(workflow.NoReason, match="at least 30"):
        propose(target, support, reason="The bank says so.")
    assert propose(target, support, reason="The bank statement of the second shows it.").pk


def test_the_approver_says_why_where_the_policy_asks(target, propose, approver, support, change_policy, now):
    change_policy(approver_reason=True)
    pending = propose(target, support)
    seen = {"revision": pending.revision, "seen": pending.content_hash, "now": now}

    with pytest.raises(workflow.NoReason, match="say why"):
        workflow.approve(adjustment=pending, approver=approver, **seen)
    stepped_up(approver, pending, now)
    approved = workflow.approve(adjustment=pending, approver=approver, reason="I saw the bank statement.", **seen)
    assert approved.state == State.APPROVED
