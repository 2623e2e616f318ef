from datetime import timedelta

import pytest

from adjustments import applying
from adjustments.models import Adjustment
from adjustments.states import Outcome, State
from anomalies.models import Anomaly
from audit.models import Entry
from systems.tests.paperclips.models import Payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def later(now):
    return now + timedelta(minutes=6)


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

    assert [entry.action_type for entry in told] == ["adjustment_proposed", "adjustment_approved", "adjustment_applied"]
    assert {entry.reason for entry in told} == {"The bank statement shows it."}
    assert told[2].metadata["lines"][0]["receipt"]["payment_id"] == Payment.objects.get().id


def test_a_second_run_posts_nothing(applied, later):
    applying.drive(applied.pk, now=later)

    assert payments() == [(7, 500)]
