from datetime import timedelta

import pytest

from adjustments import applying, drafting, workflow
from adjustments.models import Adjustment
from adjustments.states import State
from anomalies.models import Anomaly
from systems.tests.paperclips.factories import PaymentFactory
from systems.tests.paperclips.models import Payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def reversal(applied, propose, second_approver):
    return propose(drafting.for_reversal(applied), second_approver, "The customer had paid after all.")


def test_a_reversal_is_a_request_of_its_own(reversal, applied):
    assert reversal.state == State.PENDING
    assert reversal.reverses == applied
    assert reversal.amount == -applied.amount
    assert reversal.correction == "void_payment"


def test_it_takes_other_eyes_too(reversal, approve, second_approver):
    with pytest.raises(workflow.OwnHand):
        approve(reversal, second_approver)


def test_applied_it_takes_back_what_was_posted_and_opens_the_anomaly(reversal, applied, approve, approver, now):
    applying.drive(approve(reversal, approver).pk, now=now + timedelta(hours=1))

    applied.refresh_from_db()
    assert list(Payment.objects.values_list("voided", flat=True)) == [True]
    assert applied.state == State.APPLIED
    assert applied.reversed_at == now + timedelta(hours=1)
    assert Anomaly.objects.get().state == "open"


def test_what_was_taken_back_may_be_asked_for_again(reversal, approve, approver, target, propose, support, now):
    applying.drive(approve(reversal, approver).pk, now=now + timedelta(hours=1))

    assert propose(target, support).state == State.PENDING


def test_it_is_taken_back_once(reversal, applied, propose, support):
    with pytest.raises(workflow.AlreadyProposed):
        propose(drafting.for_reversal(applied), support)


def test_only_what_was_applied_is_taken_back(approved):
    with pytest.raises(drafting.Undraftable):
        drafting.for_reversal(approved)


def test_a_reversal_moves_exactly_as_much_or_nothing(reversal, approve, approver, now):
    Payment.objects.using("paperclips_writer").update(amount=400)

    applying.drive(approve(reversal, approver).pk, now=now + timedelta(hours=1))

    assert Adjustment.objects.get(pk=reversal.pk).state == State.NEEDS_ATTENTION
    assert list(Payment.objects.values_list("voided", flat=True)) == [False]


def test_a_reversal_names_the_very_posting_however_many_came_after(applied, order):
    mine = Payment.objects.get()
    PaymentFactory(order_id=order.id, amount=500)

    drafted = drafting.draft(drafting.for_reversal(applied), now=applied.applied_at)

    assert drafted.only_entry.line.particulars["payment_id"] == str(mine.id)


def test_a_reversal_that_is_not_applied_takes_nothing_back(reversal, applied):
    assert Adjustment.objects.live().filter(pk=applied.pk).exists()
