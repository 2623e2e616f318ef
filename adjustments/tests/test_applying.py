from datetime import timedelta

import pytest
from django.db import OperationalError, connections

from accounts.factories import stepped_up
from adjustments import applying, attention, ledger, tasks
from adjustments.models import Adjustment
from adjustments.states import Outcome, State
from anomalies.models import Anomaly
from audit.models import Entry
from systems import registry
from systems.tests.paperclips.models import Order, Payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def later(now):
    return now + timedelta(minutes=6)


def keys():
    with connections["paperclips_writer"].cursor() as cursor:
        cursor.execute("select key from billingadmin_applied")
        return cursor.fetchall()


def payments():
    return list(Payment.objects.values_list("order_id", "amount"))


def test_it_posts_one_row_and_keeps_the_receipt(approved, key_table, later):
    applying.drive(approved.pk, now=later)

    adjustment = Adjustment.objects.get()
    line = adjustment.lines.get()
    assert payments() == [(7, 500)]
    assert adjustment.state == State.APPLIED
    assert adjustment.applied_at == later
    assert line.outcome == Outcome.POSTED
    assert line.receipt == {"payment_id": Payment.objects.get().id}


def test_it_settles_the_anomaly(applied, anomaly):
    settled = Anomaly.objects.get(pk=anomaly.pk)

    assert settled.state == "settled"
    assert settled.settled_by == applied.pk


def test_the_audit_log_tells_who_and_why(applied):
    told = Entry.objects.about("adjustment", applied.pk).order_by("position")

    assert [entry.action_type.removeprefix("adjustment_") for entry in told] == [
        "proposed",
        "approval_given",
        "approved",
        "line_posted",
        "applied",
    ]
    assert {entry.reason for entry in told} == {"The bank statement shows it."}
    assert told[3].metadata["receipt"]["payment_id"] == Payment.objects.get().id


def test_a_second_run_posts_nothing(applied, later):
    applying.drive(applied.pk, now=later)

    assert payments() == [(7, 500)]


def test_it_tells_the_source_who_and_why(approved, support, approver):
    posting = applying.posting(approved, approved.lines.get(), approved.approved_at)

    assert (posting.reason, posting.proposer) == ("The bank statement shows it.", support.name)
    assert posting.approvers == (approver.name,)
    assert posting.key == approved.lines.get().key


def test_it_refuses_when_the_evidence_moved_and_says_what(approved, key_table, order, later):
    Order.objects.using("paperclips_writer").filter(pk=order.pk).update(total=400)

    applying.drive(approved.pk, now=later)

    adjustment = Adjustment.objects.get()
    assert (adjustment.state, adjustment.attempt) == (State.NEEDS_ATTENTION, 1)
    assert "moved since this was signed: total" in adjustment.obstacle
    assert adjustment.lines.get().found["total"] == 400
    assert not payments()
    assert not keys()


def test_it_refuses_when_the_rows_are_gone(approved, key_table, later):
    Order.objects.using("paperclips_writer").all().delete()

    applying.drive(approved.pk, now=later)

    assert "no longer has what this rests on" in Adjustment.objects.get().obstacle


def test_what_the_source_refuses_needs_attention_with_its_sentence(needing_attention):
    assert needing_attention.state == State.NEEDS_ATTENTION
    assert needing_attention.obstacle == "The order is cancelled; there is nothing to pay for."
    entry = Entry.objects.about("adjustment", needing_attention.pk).newest_first().first()
    assert (entry.action_type, entry.outcome) == ("adjustment_stopped", "refused")
    assert not keys()


def test_a_constraint_of_the_ledger_needs_attention(approved, key_table, later):
    with connections["paperclips_writer"].cursor() as cursor:
        cursor.execute("alter table payments add constraint small check (amount < 100)")

    applying.drive(approved.pk, now=later)

    assert Adjustment.objects.get().state == State.NEEDS_ATTENTION
    assert "small" in Adjustment.objects.get().obstacle


def test_another_policy_than_the_signed_one_needs_attention(approved, key_table, later, change_policy):
    change_policy(reason_length=2)

    applying.drive(approved.pk, now=later)

    assert "policy has changed" in Adjustment.objects.get().obstacle
    assert not payments()


def test_without_the_key_table_it_waits_and_names_the_command(approved, later):
    applying.drive(approved.pk, now=later)

    adjustment = Adjustment.objects.get()
    assert adjustment.state == State.APPROVED
    assert "manage.py prepare_source paperclips" in adjustment.obstacle
    assert not payments()


def test_a_process_without_a_writer_posts_nothing_and_says_so(approved, key_table, later, monkeypatch):
    monkeypatch.setattr(ledger, "has_writer", lambda system: False)

    applying.drive(approved.pk, now=later)

    adjustment = Adjustment.objects.get()
    assert adjustment.state == State.APPROVED
    assert "PAPERCLIPS_WRITER_DATABASE_URL" in adjustment.obstacle


def test_what_is_only_busy_is_tried_again(approved, key_table, later, monkeypatch):
    def locked(*arguments):
        raise OperationalError("canceling statement due to lock timeout")

    with monkeypatch.context() as busy:
        busy.setattr(applying, "compare", locked)
        applying.drive(approved.pk, now=later)
    waiting = Adjustment.objects.get()
    applying.drive(approved.pk, now=later)

    assert (waiting.state, "lock timeout" in waiting.obstacle) == (State.APPROVED, True)
    assert Adjustment.objects.get().state == State.APPLIED
    assert Adjustment.objects.get().obstacle == ""


def test_another_content_under_the_same_key_needs_attention(approved, key_table, later):
    with ledger.writing(registry.get("paperclips")) as cursor:
        ledger.take_key(cursor, key=approved.lines.get().key, content_hash="0" * 64, outcome=Outcome.POSTED, now=later)

    applying.drive(approved.pk, now=later)

    assert "another content" in Adjustment.objects.get().obstacle
    assert not payments()


def test_a_void_key_that_nobody_here_asked_for_needs_attention(approved, key_table, later):
    with ledger.writing(registry.get("paperclips")) as cursor:
        ledger.take_key(
            cursor,
            key=approved.lines.get().key,
            content_hash=approved.content_hash,
            outcome=Outcome.VOID,
            now=later,
        )

    applying.drive(approved.pk, now=later)

    assert Adjustment.objects.get().state == State.NEEDS_ATTENTION
    assert "void key" in Adjustment.objects.get().obstacle


def test_what_needs_attention_and_was_posted_after_all_is_applied(needing_attention, later):
    line = needing_attention.lines.get()
    with ledger.writing(registry.get("paperclips")) as cursor:
        ledger.take_key(
            cursor,
            key=line.key,
            content_hash=needing_attention.content_hash,
            outcome=Outcome.POSTED,
            now=later,
        )
        ledger.keep_receipt(cursor, key=line.key, receipt={"payment_id": 12})

    applying.drive(needing_attention.pk, now=later)

    assert Adjustment.objects.get().state == State.APPLIED
    assert needing_attention.lines.get().receipt == {"payment_id": 12}


def test_what_needs_attention_is_looked_at_but_never_posted(needing_attention, later):
    Order.objects.using("paperclips_writer").update(state="shipped")

    applying.drive(needing_attention.pk, now=later)

    assert Adjustment.objects.get().state == State.NEEDS_ATTENTION
    assert not payments()


def test_looking_in_vain_leaves_the_reason_why_it_stopped(needing_attention, later, monkeypatch):
    monkeypatch.setattr(ledger, "has_writer", lambda system: False)

    applying.drive(needing_attention.pk, now=later)

    assert "The order is cancelled" in Adjustment.objects.get().obstacle


def test_a_pending_request_is_not_driven(pending, key_table, later):
    applying.drive(pending.pk, now=later)

    assert Adjustment.objects.get().state == State.PENDING
    assert not payments()


def test_an_unknown_error_is_shown_and_left_for_the_next_run(approved, key_table, at_work, monkeypatch):
    def broken(*arguments):
        raise ZeroDivisionError

    with monkeypatch.context() as bug:
        bug.setattr(applying, "_post", broken)
        with pytest.raises(ZeroDivisionError):
            tasks.apply(str(approved.pk))
    shown = Adjustment.objects.get().obstacle
    tasks.apply(str(approved.pk))

    assert "ZeroDivisionError" in shown
    assert Adjustment.objects.get().state == State.APPLIED


def test_a_request_of_several_lines_posts_each_once(paid_by_three, key_table, later):
    applying.drive(paid_by_three.pk, now=later)

    assert sorted(payments()) == [(1, 500), (2, 500), (3, 500)]
    assert Adjustment.objects.get(pk=paid_by_three.pk).state == State.APPLIED


def test_a_line_that_is_refused_does_not_hold_up_the_others(paid_by_three, key_table, later):
    Order.objects.using("paperclips_writer").filter(pk=2).update(state="cancelled")

    applying.drive(paid_by_three.pk, now=later)
    applying.drive(paid_by_three.pk, now=later)

    adjustment = Adjustment.objects.get(pk=paid_by_three.pk)
    refused = adjustment.lines.get(number=2)
    assert sorted(payments()) == [(1, 500), (3, 500)]
    assert list(adjustment.lines.values_list("outcome", flat=True)) == ["posted", "refused", "posted"]
    assert refused.obstacle == "The order is cancelled; there is nothing to pay for."
    assert (adjustment.state, adjustment.attempt) == (State.NEEDS_ATTENTION, 1)
    assert adjustment.obstacle.startswith("2 of 3 lines are posted.")


def test_a_line_whose_evidence_moved_keeps_what_was_found(paid_by_three, key_table, later):
    Order.objects.using("paperclips_writer").filter(pk=2).update(total=400)

    applying.drive(paid_by_three.pk, now=later)

    refused = paid_by_three.lines.get(number=2)
    assert "total" in refused.obstacle
    assert (refused.evidence["total"], refused.found["total"]) == (500, 400)


def test_another_customer_than_the_signed_one_is_not_paid(paid_by_three, key_table, later):
    Order.objects.using("paperclips_writer").filter(pk=3).update(customer="Taro")

    applying.drive(paid_by_three.pk, now=later)

    assert sorted(payments()) == [(1, 500), (2, 500)]


@pytest.fixture
def two_asked(now, approver, second_approver):
    def two_asked(adjustment, verdict):
        for person in (approver, second_approver):
            said = {"reason": "Looked at.", "now": now + timedelta(minutes=8)}
            stepped_up(person, adjustment, said["now"])
            attention.ask(adjustment=adjustment, person=person, verdict=verdict, **said)

    return two_asked


@pytest.fixture
def two_of_three(paid_by_three, key_table, later):
    Order.objects.using("paperclips_writer").filter(pk=2).update(state="cancelled")
    applying.drive(paid_by_three.pk, now=later)
    return Adjustment.objects.get(pk=paid_by_three.pk)


def test_trying_again_posts_what_is_not_posted_and_nothing_else(two_of_three, two_asked, later):
    Order.objects.using("paperclips_writer").filter(pk=2).update(state="shipped")

    two_asked(two_of_three, "retry")
    applying.drive(two_of_three.pk, now=later + timedelta(minutes=5))

    assert sorted(payments()) == [(1, 500), (2, 500), (3, 500)]
    assert Adjustment.objects.get(pk=two_of_three.pk).state == State.APPLIED


def test_cancelling_fences_what_is_not_posted_and_the_rest_stays_applied(two_of_three, two_asked, later):
    two_asked(two_of_three, "cancel")
    applying.drive(two_of_three.pk, now=later + timedelta(minutes=5))

    assert sorted(payments()) == [(1, 500), (3, 500)]
    assert list(two_of_three.lines.values_list("outcome", flat=True)) == ["posted", "void", "posted"]
    assert Adjustment.objects.get(pk=two_of_three.pk).state == State.APPLIED
    assert len(keys()) == 3


def test_what_was_fenced_may_be_asked_for_again(two_of_three, two_asked, later):
    two_asked(two_of_three, "cancel")
    applying.drive(two_of_three.pk, now=later + timedelta(minutes=5))

    assert list(two_of_three.lines.values_list("live", flat=True)) == [True, False, True]
