from datetime import timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from adjustments import applying, expiry, recovery, tasks
from adjustments.models import Adjustment
from adjustments.states import State
from audit.models import Entry
from systems.tests.paperclips.models import Payment

pytestmark = pytest.mark.django_db


def waiting_tasks():
    return ProcrastinateJob.objects.filter(task_name="adjustments.apply", status="todo")


def test_what_nobody_approved_in_time_expires(pending):
    sentence = expiry.expire(pending.approve_by)

    pending.refresh_from_db()
    assert (pending.state, pending.closed_at) == (State.EXPIRED, pending.approve_by)
    assert Entry.objects.about("adjustment", pending.pk).newest_first().first().action_type == "adjustment_expired"
    assert "1 " in sentence


def test_nothing_expires_before_its_time(pending):
    expiry.expire(pending.approve_by - timedelta(seconds=1))

    assert Adjustment.objects.get().state == State.PENDING


def test_expiring_again_changes_nothing(pending):
    for _ in range(2):
        expiry.expire(pending.approve_by)

    assert Entry.objects.filter(action_type="adjustment_expired").count() == 1


def test_what_was_not_applied_in_time_expires_behind_a_fence(approved, key_table):
    applying.drive(approved.pk, now=approved.apply_by)

    assert Adjustment.objects.get().state == State.EXPIRED
    assert not Payment.objects.exists()


def test_an_approved_request_is_not_expired_while_the_ledger_cannot_be_fenced(approved):
    applying.drive(approved.pk, now=approved.apply_by)

    adjustment = Adjustment.objects.get()
    assert adjustment.state == State.APPROVED
    assert "prepare_source paperclips" in adjustment.obstacle


def test_the_worker_is_asked_again_for_what_it_left(approved, now):
    waiting_tasks().get()
    ProcrastinateJob.objects.all()._raw_delete("default")

    recovery.recover(now + timedelta(minutes=10))

    assert waiting_tasks().get().args == {"adjustment": str(approved.pk)}


def test_it_is_not_asked_while_the_first_asking_waits(approved, now):
    for _ in range(3):
        recovery.recover(now + timedelta(minutes=10))

    assert waiting_tasks().count() == 1


def test_it_is_not_asked_within_the_first_minute(approved, now):
    ProcrastinateJob.objects.all()._raw_delete("default")

    recovery.recover(approved.approved_at + timedelta(seconds=59))

    assert not waiting_tasks().exists()


def test_nothing_is_asked_for_what_is_over(applied, now):
    ProcrastinateJob.objects.all()._raw_delete("default")

    recovery.recover(now + timedelta(hours=1))

    assert not waiting_tasks().exists()


def test_the_task_does_it(approved, key_table, at_work):
    tasks.apply(str(approved.pk))

    assert Adjustment.objects.get().state == State.APPLIED


def test_what_was_approved_in_the_last_moment_does_not_expire(approved):
    """The job had seen it pending; by its turn it was approved."""
    assert not expiry._expire(approved.pk, approved.approve_by)

    assert Adjustment.objects.get().state == State.APPROVED
