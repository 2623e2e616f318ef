"""The policy, tried as the site's role and as the owner with SQL typed by hand: the database itself refuses."""

from dataclasses import replace

import pytest
from django.db import DatabaseError, connections, transaction

from accounts import changes as person_changes
from adjustments import workflow
from adjustments.models import Decision
from adjustments.policies import changes, renewal
from adjustments.policies.models import PolicyChange, PolicyRule
from adjustments.tests.test_guards import DECIDE, PERMISSION, decide, decision, refused
from audit.log import acting

pytestmark = pytest.mark.django_db

CONFIRM = "update adjustments_policychange set state = 'confirmed', decided_by_id = %s, decided_at = %s where id = %s"
MOVE = (
    "update adjustments_policychange set state = %s, decided_by_id = %s, decided_at = %s, answer = 'No.' where id = %s"
)
RULE = """insert into adjustments_policyrule (version, system, correction, from_amount, approvals, approve_within,
        apply_within, notice, approver_reason, reason_length, began_at)
    values ('mine', 'paperclips', '', 0, 1, '72 h', '24 h', '1 h', false, 1, now())"""
APPROVE = "update adjustments_adjustment set state = 'approved', approved_at = %s, apply_by = %s where id = %s"


@pytest.fixture
def asked(admin, approver, now):
    terms = {**PolicyRule.objects.get().terms, "reason_length": 2}
    return changes.ask(kind="change", terms=terms, reason="The finance board says so.", by=admin, now=now)


def test_the_site_neither_writes_nor_ends_a_rule(db):
    refused(PERMISSION, RULE)
    refused(PERMISSION, "update adjustments_policyrule set approvals = 1")
    refused(PERMISSION, "delete from adjustments_policyrule")
    refused(PERMISSION, "truncate adjustments_policyrule cascade")


@pytest.mark.django_db(transaction=True)
def test_nor_does_the_owner_without_a_confirmed_change():
    refused("policy_rule_follows_a_change", RULE, alias="owner")
    refused("policy_rule_never_changes", "update adjustments_policyrule set approvals = 2", alias="owner")
    refused("policy_rule_stays", "delete from adjustments_policyrule", alias="owner")


def test_a_change_is_not_confirmed_by_its_asker_nor_by_anybody_else(asked, admin, approver, now):
    refused("policy_change_is_confirmed_by_a_second_admin", CONFIRM, admin.pk, now, asked.pk)
    refused("policy_change_is_decided_by_an_admin", CONFIRM, approver.pk, now, asked.pk)


def test_a_change_is_not_altered_nor_decided_twice(asked, second_admin, now):
    refused(PERMISSION, "update adjustments_policychange set approvals = 1")
    refused(PERMISSION, "delete from adjustments_policychange")
    changes.confirm(change=asked, by=second_admin, now=now)

    refused("policy_change_is_decided_once", CONFIRM, second_admin.pk, now, asked.pk)


def test_a_change_begins_as_the_request_of_an_admin(asked, approver):
    copy = """insert into adjustments_policychange (kind, state, reason, requested_by_id, requested_at, system,
            correction, from_amount, approvals, approve_within, apply_within, notice, approver_reason, reason_length,
            answer, decided_by_id, decided_at)
        select 'add', %s, reason, %s, requested_at, 'paperclips', '', 0, 1, approve_within, apply_within, notice, false,
            1, '', %s, %s from adjustments_policychange"""
    by_admin = asked.requested_by_id
    refused("policy_change_is_asked_by_an_admin", copy, "pending", approver.pk, None, None)
    refused("policy_change_is_asked_by_an_admin", copy, "confirmed", by_admin, approver.pk, asked.requested_at)


def test_a_change_that_nobody_made_is_not_recorded_and_so_not_done(asked, second_admin, now):
    refused("audit_says_who", CONFIRM, second_admin.pk, now, asked.pk, at_commit=True)


def test_a_change_asked_of_another_version_is_not_confirmed(asked, change_policy, second_admin, now):
    changes.withdraw(change=asked, by=asked.requested_by, now=now)
    place = {"kind": "add", "system": "paperclips", "terms": PolicyRule.objects.get().terms}
    first = changes.ask(**place, reason="First.", by=asked.requested_by, now=now)
    changes.confirm(change=first, by=second_admin, now=now)
    retiring = {"kind": "retire", "system": "paperclips", "reason": "No more.", "by": asked.requested_by, "now": now}
    changes.confirm(change=changes.ask(**retiring), by=second_admin, now=now)
    stale = PolicyChange.objects.filter(kind="retire").values().get()
    del stale["id"]
    again = stale | {"state": "pending", "decided_by_id": None, "decided_at": None, "confirmed_in": None}
    with acting(second_admin.actor):
        change = PolicyChange.objects.create(**again)

    refused("policy_change_is_about_the_rule_there_is", CONFIRM, second_admin.pk, now, change.pk)


# Decisions -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def left_behind(pending, change_policy, monkeypatch):
    """Pending under the rule before a change, as for a moment when both happen at once."""
    with monkeypatch.context() as patch:
        patch.setattr(renewal, "hold_waiting", list)
        change_policy(reason_length=2)
    return pending


def test_nothing_is_approved_under_another_policy(left_behind, approver):
    refused("decision_under_the_policy_there_is", DECIDE, *decision(left_behind, approver))


def test_what_is_under_another_policy_can_still_be_rejected(left_behind, approver):
    decide(approver, *decision(left_behind, approver, "reject", "No."))

    assert Decision.objects.get().verdict == "reject"


def test_an_approval_given_before_a_change_does_not_move_it_afterwards(
    pending, approver, change_policy, now, monkeypatch
):
    decide(approver, *decision(pending, approver))
    monkeypatch.setattr(renewal, "hold_waiting", list)
    change_policy(reason_length=2)

    refused("decision_under_the_policy_there_is", APPROVE, now, now, pending.pk)


def test_a_request_asks_for_the_approvals_of_its_policy(
    pending, edit, change_policy, support, approver, second_approver, monkeypatch
):
    """Whoever writes the row may name the policy there is, and still not ask for fewer people than it does."""
    change_policy(approvals=2)
    asks = workflow.policy_of_draft
    monkeypatch.setattr(workflow, "policy_of_draft", lambda drafted: replace(asks(drafted), approvals=1))
    pending.refresh_from_db()
    edited = edit(pending, support)

    refused("adjustment_needs_what_its_policy_says", DECIDE, *decision(edited, approver))


def test_the_time_to_apply_is_the_policys(pending, approver, now):
    decide(approver, *decision(pending, approver))

    refused("adjustment_applied_in_time", APPROVE, now, pending.approve_by, pending.pk)


def test_the_policy_is_asked_for_the_reasons_too(pending, approver, change_policy):
    change_policy(approver_reason=True, reason_length=400)
    pending.refresh_from_db()

    refused("adjustment_reason_is_long_enough", DECIDE, *decision(pending, approver))
    change_policy(approver_reason=True, reason_length=1)
    pending.refresh_from_db()
    refused("approval_says_why", DECIDE, *decision(pending, approver))


def test_a_request_comes_under_a_policy_once(pending, change_policy):
    change_policy(reason_length=2)
    again = """insert into adjustments_policyeffect (adjustment_id, revision, rule_id, was, voided, at)
        select adjustment_id, revision, rule_id, was, voided, at from adjustments_policyeffect"""

    refused("policy_effect_once", again)
    refused(PERMISSION, "update adjustments_policyeffect set voided = 0")


# What no rule says, in force or asked for ----------------------------------------------------------------------------

TERMS = {
    "system": "paperclips",
    "correction": "",
    "from_amount": 0,
    "approvals": 1,
    "line_cap": None,
    "approve_within": "72 h",
    "apply_within": "24 h",
    "notice": "1 h",
    "approver_reason": False,
    "reason_length": 1,
}
RULE_BY_HAND = {"version": "mine", "began_at": "2026-11-02", "ended_at": None}
CHANGE_BY_HAND = {
    "kind": "add",
    "reason": "Because.",
    "state": "pending",
    "requested_at": "2026-11-02",
    "decided_at": None,
    "decided_by_id": None,
    "answer": "",
    "replaces_id": None,
}

DECIDED = {"decided_at": "2026-11-02", "decided_by_id": 1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("said", "rule", "change"),
    [
        ({"system": "", "line_cap": 5}, "policy_rule_names_its_system", "policy_change_names_its_system"),
        ({"line_cap": 0}, "policy_rule_caps_let_something_through", "policy_change_caps_let_something_through"),
        ({"approve_within": "91 d"}, "policy_rule_leaves_time", "policy_change_leaves_time"),
        ({"notice": "24 h"}, "policy_rule_notice_comes_before_the_end", "policy_change_notice_comes_before_the_end"),
        ({"approvals": 0}, "policy_rule_counts", "policy_change_counts"),
        ({"system": ""}, "policy_rule_once_per_place", ""),
        ({"ended_at": "2026-11-03"}, "policy_rule_is_ended_by_a_change", ""),
        ({"kind": "wish"}, "", "policy_change_kind_is_known"),
        ({"state": "dreamt", **DECIDED}, "", "policy_change_state_is_known"),
        ({"reason": " "}, "", "policy_change_says_why"),
        ({"state": "refused", **DECIDED}, "", "policy_refusal_says_why"),
        ({"kind": "change"}, "", "policy_change_names_what_it_replaces"),
        ({"kind": "retire", "system": "", "replaces_id": 1}, "", "policy_always_has_a_rule"),
        ({"decided_at": "2026-11-02"}, "", "policy_change_is_decided_by_somebody"),
    ],
)
def test_what_no_rule_says(admin, said, rule, change):
    """As the owner, with the guards switched off for the moment: the constraints hold by themselves."""
    for table, name, own in (("rule", rule, RULE_BY_HAND), ("change", change, CHANGE_BY_HAND)):
        if name:
            row = {**TERMS, **own, **said} | ({"requested_by_id": admin.pk} if table == "change" else {})
            with pytest.raises(DatabaseError) as failure, transaction.atomic(using="owner"):
                _insert_unguarded(f"adjustments_policy{table}", row)
            assert failure.value.__cause__.diag.constraint_name == name


def _insert_unguarded(table, row):
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"alter table {table} disable trigger adjustments_guard")
        values = ", ".join(f"%({name})s" for name in row)
        cursor.execute(f"insert into {table} ({', '.join(row)}) values ({values})", row)


def test_a_change_is_asked_once_and_stays(asked, admin, second_admin, now):
    copy = """insert into adjustments_policychange (kind, state, reason, requested_by_id, requested_at, system,
            correction, from_amount, approvals, approve_within, apply_within, notice, approver_reason, reason_length,
            answer, replaces_id)
        select kind, state, reason, requested_by_id, requested_at, system, correction, from_amount, approvals,
            approve_within, apply_within, notice, approver_reason, reason_length, '', replaces_id
        from adjustments_policychange"""
    refused("policy_change_is_asked_once", copy)
    refused("policy_change_is_withdrawn_by_its_asker", MOVE, "withdrawn", second_admin.pk, now, asked.pk)
    refused("policy_change_is_withdrawn_by_its_asker", MOVE, "refused", admin.pk, now, asked.pk)


def test_who_asked_is_still_an_admin_when_it_is_confirmed(asked, admin, second_admin, now):
    third = person_changes.invite(
        email="third@billing.example", name="Third", roles=["admin"], reason="More.", by=admin, now=now
    )
    person_changes.confirm(change=third, by=second_admin, now=now)
    leaving = person_changes.request(person=admin, kind="disable", reason="Left.", by=third.person, now=now)
    person_changes.confirm(change=leaving, by=second_admin, now=now)

    refused("policy_change_is_confirmed_by_admins", CONFIRM, second_admin.pk, now, asked.pk)


@pytest.mark.django_db(transaction=True)
def test_a_change_is_never_deleted(asked):
    refused("policy_change_stays", "delete from adjustments_policychange", alias="owner")
