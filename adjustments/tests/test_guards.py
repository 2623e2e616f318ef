"""Every path is tried as the site's role with SQL typed by hand: the database itself refuses."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.db import DatabaseError, connections, transaction

from accounts.factories import stepped_up
from adjustments import migrations
from adjustments.content import content_hash
from adjustments.models import Contributor
from audit.log import acting

pytestmark = pytest.mark.django_db

MOVE = "update adjustments_adjustment set state = %s, closed_at = %s where id = %s"
APPROVE = "update adjustments_adjustment set state = 'approved', approved_at = %s, apply_by = %s where id = %s"
APPLY = "update adjustments_adjustment set state = 'applied', applied_at = %s where id = %s"
ATTENTION = """update adjustments_adjustment
    set state = 'needs_attention', obstacle = 'x', attempt = attempt + %s where id = %s"""
DECIDE = """insert into adjustments_decision
    (adjustment_id, revision, attempt, person_id, verdict, content_hash, reason, at)
    values (%s, %s, %s, %s, %s, %s, %s, %s)"""
LINE = """insert into adjustments_adjustmentline
    (adjustment_id, revision, number, key, subject, amount, unit, particulars, evidence, outcome, customer, fingerprint,
     occurrence, correction, live, obstacle, anomaly_id, reverses_id)
    values (%s, %s, %s, gen_random_uuid(), '7', %s, 'JPY', '{}', '{}', %s, '', 'drink', 1, '', true, '', null, null)"""
LINE_AGAIN = """insert into adjustments_adjustmentline
    select (jsonb_populate_record(l, jsonb_build_object('id', 99, 'key', gen_random_uuid(), 'adjustment_id', a.id))).*
    from adjustments_adjustmentline l, adjustments_adjustment a where a.id <> l.adjustment_id"""
SAME = """system, correction, fingerprint, occurrence, subject_kind, subject, reason, amount, unit,
    content, content_hash, policy_version, approvals_needed, proposed_by_id, proposed_at, approve_by, obstacle,
    correlation_id, attempt, error_count"""
COPY = f"""insert into adjustments_adjustment (id, {SAME}, state, revision, approved_at, apply_by)
    select gen_random_uuid(), {SAME}, {{}}, {{}}, proposed_at, approve_by from adjustments_adjustment"""
PERMISSION = "42501"


def run(sql, *parameters, at_commit=False, alias="default"):
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(sql, parameters)
        if at_commit:
            cursor.execute("set constraints all immediate")


def refused(rule, sql, *parameters, at_commit=False, alias="default"):
    """The statement fails by the constraint of this name, or for want of the right to run it."""
    with pytest.raises(DatabaseError) as failure:
        run(sql, *parameters, at_commit=at_commit, alias=alias)
    cause = failure.value.__cause__
    assert rule in (cause.diag.constraint_name, cause.sqlstate), failure.value


def decision(adjustment, person, verdict="approve", reason="", at=None, proven=True, **changed):
    """The values of DECIDE, of somebody who has just been proven."""
    if proven:
        stepped_up(person, adjustment, at or adjustment.proposed_at)
    said = {"revision": adjustment.revision, "attempt": adjustment.attempt, "hash": adjustment.content_hash} | changed
    at = at or adjustment.proposed_at
    return (adjustment.pk, said["revision"], said["attempt"], person.pk, verdict, said["hash"], reason, at)


def decide(person, *parameters):
    """By hand, and saying who one is."""
    with acting(person.actor):
        run(DECIDE, *parameters)


# Who decides ---------------------------------------------------------------------------------------------------------


def test_the_proposer_cannot_approve_by_any_path(target, propose, approver):
    refused("decision_by_another", DECIDE, *decision(propose(target, approver), approver))


def test_a_contributor_cannot_approve_by_any_path(pending, edit, approver):
    edited = edit(pending, approver)

    refused("decision_by_another", DECIDE, *decision(edited, approver))


def test_only_an_approver_decides(target, propose, approver, support, manager, admin):
    pending = propose(target, approver)

    for person in (support, manager, admin):
        refused("decision_by_an_approver", DECIDE, *decision(pending, person))


def test_who_only_reads_asks_for_nothing(approved, manager):
    refused("asked_by_who_may", DECIDE, *decision(approved, manager, "cancel", "why"))


def test_what_an_approver_asked_for_support_does_not_confirm(approved, approver, support):
    decide(approver, *decision(approved, approver, "cancel", "why"))

    refused("asked_and_confirmed_by_an_approver", DECIDE, *decision(approved, support, "cancel", "why"))


def test_nobody_records_the_decision_of_another(pending, approver, second_approver):
    with acting(second_approver.actor):
        refused("decision_is_ones_own", DECIDE, *decision(pending, approver), at_commit=True)


@pytest.mark.parametrize(
    "change",
    ["adjustment set state = 'needs_attention', obstacle = 'x', attempt = 1", "adjustmentline set outcome = 'void'"],
)
def test_nobody_changes_anything_without_saying_who_they_are(approved, change):
    refused("audit_says_who", f"update adjustments_{change}", at_commit=True)


def test_a_decision_is_about_the_content_there_is(pending, approver):
    for changed in ({"revision": 2}, {"attempt": 1}, {"hash": content_hash("another")}):
        refused("decision_on_what_there_is", DECIDE, *decision(pending, approver, **changed))


def test_a_decision_comes_in_time(pending, approver):
    refused("decision_in_time", DECIDE, *decision(pending, approver, at=pending.approve_by))


def test_every_verdict_needs_a_fresh_proof(pending, approve, approver, second_approver):
    for verdict in ("approve", "reject"):
        refused("decision_after_step_up", DECIDE, *decision(pending, approver, verdict, "why", proven=False))

    approved = approve(pending, second_approver)
    refused("decision_after_step_up", DECIDE, *decision(approved, approver, "cancel", "why", proven=False))


def test_what_is_decided_is_not_decided_again(approved, second_approver):
    for verdict in ("approve", "reject"):
        refused("decision_in_time", DECIDE, *decision(approved, second_approver, verdict, "why"))


def test_one_person_counts_once(pending, approver):
    decide(approver, *decision(pending, approver))

    refused("decision_once_per_person", DECIDE, *decision(pending, approver))
    refused("decision_once_per_person", DECIDE, *decision(pending, approver, "reject", "why"))


def test_a_refusal_says_why(pending, approver):
    refused("decision_says_why", DECIDE, *decision(pending, approver, "reject", " "))


def test_there_is_no_other_verdict(pending, approver):
    refused("decision_when_asked_for", DECIDE, *decision(pending, approver, "wave_through", "why"))


def test_nothing_to_retry_or_cancel_while_pending(pending, approver):
    for verdict in ("retry", "cancel"):
        refused("decision_when_asked_for", DECIDE, *decision(pending, approver, verdict, "why"))


# How it moves --------------------------------------------------------------------------------------------------------


def test_nothing_is_approved_without_an_approval(pending, now):
    refused("adjustment_approved_by_others", APPROVE, now, now + timedelta(days=1), pending.pk)


def test_an_approval_of_the_revision_before_does_not_count(pending, edit, support, approver, now):
    decide(approver, *decision(pending, approver))
    edited = edit(pending, support)

    refused("adjustment_approved_by_others", APPROVE, now, now + timedelta(days=1), edited.pk)


def test_nothing_is_rejected_by_nobody(pending, now):
    refused("adjustment_rejected_by_someone", MOVE, "rejected", now, pending.pk)


def test_nothing_expires_early(pending, now):
    refused("adjustment_expires_in_time", MOVE, "expired", pending.approve_by - timedelta(seconds=1), pending.pk)


def test_a_pending_request_is_not_applied(pending, now):
    refused("adjustment_move_is_legal", APPLY, now, pending.pk)


def test_what_is_over_stays_over(applied, now):
    refused("adjustment_move_is_legal", MOVE, "cancelled", now, applied.pk)
    refused("adjustment_move_is_legal", "update adjustments_adjustment set state = 'pending' where id = %s", applied.pk)


def test_applied_means_a_receipt_for_every_line(approved, now):
    refused("adjustment_applied_has_receipts", APPLY, now, approved.pk)
    refused(
        "line_posted_has_its_receipt",
        "update adjustments_adjustmentline set outcome = 'posted' where adjustment_id = %s",
        approved.pk,
    )


def test_what_was_approved_is_closed_behind_a_fence(approved, now):
    refused("adjustment_closed_behind_a_fence", MOVE, "expired", approved.apply_by, approved.pk)


def test_cancelling_takes_two(approved, approver, second_approver, now):
    refused("adjustment_cancel_takes_two", MOVE, "cancelled", now, approved.pk)

    decide(approver, *decision(approved, approver, "cancel", "why"))
    refused("decision_asked_once_per_person", DECIDE, *decision(approved, approver, "cancel", "why"))
    refused("adjustment_cancel_takes_two", MOVE, "cancelled", now, approved.pk)

    decide(second_approver, *decision(approved, second_approver, "cancel", "why"))
    refused("adjustment_closed_behind_a_fence", MOVE, "cancelled", now, approved.pk)


def test_trying_again_takes_two(needing_attention, approver, now):
    decide(approver, *decision(needing_attention, approver, "retry", "why"))

    refused("adjustment_retry_takes_two", APPROVE, now, now + timedelta(days=1), needing_attention.pk)


def test_attention_is_counted_and_says_why(approved):
    refused("adjustment_attempt_counts", ATTENTION, 0, approved.pk)
    refused("adjustment_attention_says_why", ATTENTION.replace("'x'", "''"), 1, approved.pk)


def test_the_times_of_a_move_come_with_it(approved, pending, now):
    refused(
        "adjustment_times_are_moves",
        "update adjustments_adjustment set apply_by = apply_by + interval '1 day' where id = %s",
        approved.pk,
    )


# What it says --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "subject = '8'",
        "correction = 'void_payment'",
        "system = 'other'",
        "fingerprint = 'other'",
        "occurrence = 2",
        "anomaly_id = null",
        "proposed_at = proposed_at - interval '1 day'",
        "correlation_id = 'other'",
    ],
)
def test_what_it_is_about_never_changes(pending, change):
    refused("adjustment_is_about_one_thing", f"update adjustments_adjustment set {change} where id = %s", pending.pk)


@pytest.mark.parametrize(
    "change",
    [
        "reason = 'other'",
        "amount = 1",
        "content = '{}'",
        "content_hash = 'x'",
        "policy_version = 'x'",
        "approvals_needed = 2",
        "approve_by = approve_by + interval '1 day'",
    ],
)
def test_what_is_signed_changes_by_a_revision_only(pending, change):
    refused("adjustment_edit_is_a_revision", f"update adjustments_adjustment set {change} where id = %s", pending.pk)


def test_what_is_decided_is_not_edited(approved):
    change = "update adjustments_adjustment set revision = 2, reason = 'other' where id = %s"

    refused("adjustment_edited_while_pending", change, approved.pk)


def test_a_revision_without_its_lines_and_its_author_is_not_committed(pending):
    change = "update adjustments_adjustment set revision = 2, reason = 'other' where id = %s"

    refused("adjustment_content_agrees", change, pending.pk, at_commit=True)


def test_a_line_that_nobody_signed_is_not_committed(pending):
    refused("adjustment_content_agrees", LINE, pending.pk, 1, 2, 10**6, "waiting", at_commit=True)


def test_a_line_carries_the_fingerprint_of_its_anomaly(pending):
    about_it = LINE.replace("null, null)", "(select anomaly_id from adjustments_adjustment), null)")

    refused("line_is_about_its_anomaly", about_it, pending.pk, 1, 2, 10, "waiting")
    refused("line_is_about_its_anomaly", LINE.replace("'drink'", "' '"), pending.pk, 1, 2, 10, "waiting")


def test_a_line_takes_back_only_what_its_request_names(pending):
    of_nothing = LINE.replace("null, null)", "null, (select min(id) from adjustments_adjustmentline))")

    refused("line_takes_back_what_was_posted", of_nothing, pending.pk, 1, 2, 10, "waiting")


def test_a_refused_line_is_tried_again_when_two_have_asked(needing_attention):
    again = "update adjustments_adjustmentline set outcome = 'waiting', obstacle = ''"

    with transaction.atomic():
        run("update adjustments_adjustmentline set outcome = 'refused', obstacle = 'why'")
        refused("line_tried_again_when_approved", again)
        transaction.set_rollback(True)


def test_lines_are_added_to_the_pending_revision_only(approved):
    refused("line_added_while_pending", LINE, approved.pk, 1, 2, 10, "waiting")


def test_a_line_begins_unposted_and_moves_something(pending):
    refused("line_added_while_pending", LINE, pending.pk, 1, 2, 10, "posted")
    refused("line_moves_something", LINE, pending.pk, 1, 2, 0, "waiting")
    refused("line_number_once", LINE, pending.pk, 1, 1, 10, "waiting")


def test_the_lines_of_a_pending_request_are_not_posted(pending):
    posted = """update adjustments_adjustmentline
        set outcome = 'posted', receipt = '{}', posted_at = now() where adjustment_id = %s"""

    refused("line_posted_when_approved", posted, pending.pk)


def test_what_became_of_a_line_is_final(applied):
    back = "update adjustments_adjustmentline set outcome = 'waiting', receipt = null, posted_at = null"

    refused("line_outcome_is_final", back)


def test_a_request_does_not_begin_approved(pending):
    refused("adjustment_begins_pending", COPY.format("'approved'", 1))
    refused("adjustment_begins_pending", COPY.format("'pending'", 2))


def test_one_request_for_an_occurrence_at_a_time(pending, propose, support):
    with transaction.atomic():
        run(COPY.format("'pending'", 1))
        refused("line_asked_for_once", LINE_AGAIN)
        transaction.set_rollback(True)


def test_new_content_is_written_in_the_present_form(pending):
    head, select = COPY.format("'pending'", 1).split("select", 1)
    old = """replace(content, '"form":2', '"form":1'), content_hash"""
    refused("adjustment_content_form", f"{head}select{select.replace('content, content_hash', old)}".replace("\n", " "))


CHECKS = {
    "adjustment_state_is_known": "update adjustments_adjustment set state = 'posted', applied_at = null",
    "adjustment_says_why": "update adjustments_adjustment set reason = ' '",
    "adjustment_counts": "update adjustments_adjustment set approvals_needed = 0",
    "adjustment_approved_has_its_time": "update adjustments_adjustment set apply_by = null",
    "adjustment_applied_has_its_time": "update adjustments_adjustment set applied_at = null",
    "adjustment_closed_has_its_time": "update adjustments_adjustment set closed_at = now()",
    "line_outcome_is_known": "update adjustments_adjustmentline set outcome = 'lost'",
    "decision_is_known": "update adjustments_decision set verdict = 'wave through', reason = 'why'",
    "revision_once": "insert into adjustments_revision (adjustment_id, number, content, content_hash, by_id, at) "
    "select adjustment_id, number, content, content_hash, by_id, at from adjustments_revision",
    "contributor_once": "insert into adjustments_contributor (adjustment_id, person_id) "
    "select adjustment_id, person_id from adjustments_contributor",
    "line_refused_says_why": "update adjustments_adjustmentline "
    "set outcome = 'refused', receipt = null, posted_at = null",
    "line_asked_for_once": "insert into adjustments_adjustmentline "
    "select (jsonb_populate_record(l, jsonb_build_object('id', 99, 'number', 99, 'key', gen_random_uuid()))).* "
    "from adjustments_adjustmentline l",
    "line_reversed_once": "insert into adjustments_adjustmentline "
    "select (jsonb_populate_record(l, jsonb_build_object('id', n, 'number', n, 'key', gen_random_uuid(), "
    "'fingerprint', n, 'reverses_id', l.id))).* from adjustments_adjustmentline l, generate_series(98, 99) n",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rule", CHECKS)
def test_with_the_triggers_out_of_the_way_the_checks_still_stand(applied, rule):
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        for table in ("adjustment", "adjustmentline", "revision", "decision", "contributor"):
            cursor.execute(f"alter table adjustments_{table} disable trigger user")
        refused(rule, CHECKS[rule], alias="owner")
        transaction.set_rollback(True, using="owner")


def test_a_revision_is_written_with_the_content_it_keeps(pending, support):
    write = """insert into adjustments_revision (adjustment_id, number, content, content_hash, by_id, at)
        values (%s, 2, '{}', 'x', %s, now())"""

    refused("revision_is_the_current", write, pending.pk, support.pk)


def test_nothing_is_taken_back_but_by_its_reversal(applied):
    refused("adjustment_reversed_by_its_reversal", "update adjustments_adjustment set reversed_at = now()")


# Tried by their sentence, or not yet by hand: the list may only become shorter.
NOT_TRIED_BY_NAME = Path(__file__).with_name("rules_not_tried_by_name.txt")


def test_every_rule_of_the_database_is_tried():
    named = {
        constraint.name
        for model in apps.get_app_config("adjustments").get_models()
        for constraint in model._meta.constraints
    }
    for file in Path(migrations.__file__).parent.glob("*.sql"):
        named |= set(re.findall(r"adjustments_refuse\('(\w+)'", file.read_text(encoding="utf-8")))

    files = Path(migrations.__file__).parents[1].rglob("test_*.py")
    here = "".join(file.read_text(encoding="utf-8") for file in files)
    assert {name for name in named if f'"{name}"' not in here} == set(NOT_TRIED_BY_NAME.read_text().split())


# Nothing goes away ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["adjustment", "adjustmentline", "revision", "decision", "contributor"])
def test_the_site_deletes_and_empties_nothing(approved, table):
    refused(PERMISSION, f"delete from adjustments_{table}")
    refused(PERMISSION, f"truncate adjustments_{table} cascade")
    refused(PERMISSION, f"alter table adjustments_{table} disable trigger all")


@pytest.mark.django_db(transaction=True)
def test_nor_does_whoever_owns_the_tables(approved):
    stays = {"adjustment": "adjustment_stays", "adjustmentline": "line_stays", "revision": "revision_stays"}
    stays |= {"decision": "decision_stays", "contributor": "contributor_stays"}

    for table, rule in stays.items():
        refused(rule, f"delete from adjustments_{table}", alias="owner")
        refused("adjustment_stays", f"truncate adjustments_{table} cascade", alias="owner")
    for table in ("revision", "decision", "contributor"):
        refused(stays[table], f"update adjustments_{table} set adjustment_id = adjustment_id", alias="owner")
    refused("line_never_changes", "update adjustments_adjustmentline set amount = 1", alias="owner")


@pytest.mark.django_db(transaction=True)
def test_nobody_says_by_hand_that_a_line_is_taken_back_or_no_longer_asked_for(applied):
    taken_back = "update adjustments_adjustmentline set reversed_at = now()"

    refused(PERMISSION, taken_back)
    refused("line_reversed_by_its_reversal", taken_back, alias="owner")
    run("update adjustments_adjustmentline set live = false", alias="owner")
    assert applied.lines.get().live


@pytest.mark.parametrize("table", ["revision", "decision", "contributor"])
def test_the_site_rewrites_no_history(approved, table):
    refused(PERMISSION, f"update adjustments_{table} set adjustment_id = adjustment_id")


def test_the_site_names_no_contributors_and_changes_no_lines(approved, approver):
    add = "insert into adjustments_contributor (adjustment_id, person_id) values (%s, %s)"

    refused(PERMISSION, add, approved.pk, approver.pk)
    refused(PERMISSION, "update adjustments_adjustmentline set amount = 1")


def test_a_session_that_calls_itself_a_replica_is_refused_too(approved):
    refused(PERMISSION, "set local session_replication_role = replica")


def test_the_author_of_a_revision_is_a_contributor(pending, edit, approver):
    edit(pending, approver)

    assert set(Contributor.objects.values_list("person__name", flat=True)) == {
        pending.proposed_by.name,
        approver.name,
    }
