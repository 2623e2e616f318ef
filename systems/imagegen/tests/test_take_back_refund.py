"""Take back an undue refund (take_back_refund), and give back what the console took (give_back)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError

from systems.base import Refused
from systems.imagegen.factories import (
    MOMENT,
    USER,
    AllocationFactory,
    BatchFactory,
    ConsumptionFactory,
    CreditsFactory,
    JobFactory,
    RefundFactory,
)
from systems.imagegen.models import AdminAuditLog, CreditTransaction, ImageJob
from systems.imagegen.purses import expiry
from systems.imagegen.system import SYSTEM
from systems.imagegen.tests.conftest import NOW
from systems.imagegen.tests.postings import (
    POSTING,
    adds_up,
    draft,
    everything,
    evidence,
    keyed,
    let_audit_fail,
    post,
    purses,
)

pytestmark = pytest.mark.django_db
TAKE, GIVE = "take_back_refund", "give_back"


@pytest.fixture
def job():
    return JobFactory(succeeded=True)


@pytest.fixture
def refund(job):
    ConsumptionFactory(job=job, amount=-50)
    return RefundFactory(job=job, amount=50, told=True)


def test_it_is_a_deduction_that_names_the_refund(source, job, refund):
    CreditsFactory(paid_balance=80)
    (line,) = draft(source, TAKE, job)

    receipt = post(TAKE, line)

    row = CreditTransaction.objects.get(transaction_type="admin_deduction")
    assert (line.amount, row.amount, str(row.id)) == (-50, -50, receipt["tx_id"])
    assert (row.metadata["reverses_tx_id"], row.metadata["job_id"]) == (str(refund.id), str(job.id))
    assert row.metadata["idempotency_key"] == str(POSTING.key)
    assert (row.metadata["balance_type"], row.metadata["from_paid"]) == ("paid", 50)
    assert purses(USER) == (30, 30, [])


def test_it_takes_from_the_batch_that_the_refund_made_even_when_that_has_expired(source, job):
    CreditsFactory(paid_balance=10, free=120)
    refund = RefundFactory(job=job, metadata={"job_id": str(job.id), "to_promo": 20, "to_paid": 0})
    BatchFactory(remaining_amount=20, amount=20, over=True, source="refund", credit_transaction_id=refund.id)
    other = BatchFactory(remaining_amount=100)

    post(TAKE, draft(source, TAKE, job)[0])

    assert purses(USER) == (110, 10, [(100, other.expire_at)])
    assert (
        CreditTransaction.objects.get(transaction_type="admin_deduction").metadata["balance_type"] == "period_limited"
    )


def test_it_takes_from_the_purse_the_refund_filled_before_any_other(source, job, refund):
    CreditsFactory(paid_balance=60, free=100)
    BatchFactory(remaining_amount=100)

    post(TAKE, draft(source, TAKE, job)[0])

    assert purses(USER)[:2] == (110, 10)


def test_what_was_spent_since_is_taken_from_what_there_is(source, job, refund):
    CreditsFactory(paid_balance=20, free=100)
    BatchFactory(remaining_amount=100)

    post(TAKE, draft(source, TAKE, job)[0])

    assert purses(USER)[:2] == (70, 0)
    assert adds_up(USER)
    metadata = CreditTransaction.objects.get(transaction_type="admin_deduction").metadata
    assert (metadata["from_paid"], metadata["from_period_limited"]) == (20, 30)


def test_a_short_balance_is_refused_and_nothing_is_written(source, job, refund):
    CreditsFactory(paid_balance=49)
    before = everything()

    with pytest.raises(Refused, match=r"would go below zero\. 1 credits are missing"):
        post(TAKE, draft(source, TAKE, job)[0])

    assert everything() == before


def test_a_refund_is_taken_back_once(source, job, refund):
    CreditsFactory(paid_balance=500)
    (line,) = draft(source, TAKE, job)
    receipt = post(TAKE, line)
    before = everything()

    with pytest.raises(Refused, match=receipt["tx_id"]):
        post(TAKE, line, keyed(2))
    with pytest.raises(Refused, match=f"{refund.id} has been taken back already"):
        draft(source, TAKE, job)

    assert everything() == before


def test_one_key_deducts_once_and_the_row_in_the_way_is_named(source, job, refund):
    CreditsFactory(paid_balance=500)
    deduction = ConsumptionFactory(
        transaction_type="admin_deduction", metadata={"idempotency_key": str(POSTING.key), "reason": "by hand"}
    )
    before = everything()

    with pytest.raises(Refused, match=f"already has such a row: {deduction.id}"):
        post(TAKE, draft(source, TAKE, job)[0])

    assert everything() == before


def test_a_break_in_the_middle_leaves_nothing_behind(source, job, refund):
    CreditsFactory(paid_balance=20, free=100)
    BatchFactory(remaining_amount=100)
    (line,) = draft(source, TAKE, job)
    before = everything()
    let_audit_fail()

    with pytest.raises(IntegrityError, match="nothing_more"):
        post(TAKE, line)

    assert everything() == before


def test_the_sources_own_audit_row_names_both_rows(source, job, refund):
    CreditsFactory(paid_balance=50)

    receipt = post(TAKE, draft(source, TAKE, job)[0])

    row = AdminAuditLog.objects.get()
    assert (row.action_type, row.metadata["job_id"]) == ("billingadmin_refund_taken_back", str(job.id))
    assert (row.metadata["tx_id"], row.metadata["about_tx_id"]) == (receipt["tx_id"], str(refund.id))
    assert row.metadata["reason"] == POSTING.reason


def test_a_job_without_a_refund_has_nothing_to_take_back(source, job):
    with pytest.raises(Refused, match="no refund to take back"):
        draft(source, TAKE, job)


def test_a_refund_of_two_spellings_is_two_lines(source, job, refund):
    CreditsFactory(paid_balance=500)
    RefundFactory(job=job, capitals=True, amount=20)

    for number, line in enumerate(draft(source, TAKE, job)):
        post(TAKE, line, keyed(number))

    assert purses(USER)[0] == 430


def test_another_amount_than_the_refunds_is_refused(source, job, refund):
    CreditsFactory(paid_balance=500)
    (line,) = draft(source, TAKE, job)

    with pytest.raises(Refused, match="gave 50 credits; 60 cannot be taken back"):
        post(TAKE, type(line)(**{**vars(line), "amount": -60}))


@pytest.mark.parametrize("lock", [False, True])
def test_the_evidence_is_the_refund_and_that_nobody_took_it_back(source, job, refund, lock):
    CreditsFactory()
    (line,) = draft(source, TAKE, job)

    assert evidence(TAKE, line, lock) == {
        "job_id": str(job.id),
        "user_id": str(USER),
        "job_status": "succeeded",
        "refund_id": str(refund.id),
        "refund_amount": 50,
        "refund_job_id": str(job.id),
        "taken_back_by": None,
    }
    CreditTransaction.objects.using("imagegen_writer").filter(pk=refund.pk).delete()
    assert evidence(TAKE, line, lock) is None


# Every correction is undone by another -------------------------------------------------------------------------------


def test_a_posted_refund_is_undone_by_taking_it_back(source):
    CreditsFactory(paid_balance=10)
    job = JobFactory(failed=True)
    charge = ConsumptionFactory(job=job, amount=-50)
    AllocationFactory(
        job_id=job.id,
        consumption_transaction_id=charge.id,
        allocation_kind="period_limited",
        source_batch_id=uuid4(),
        source_expire_at=MOMENT + timedelta(days=3),
        amount=50,
    )
    before = purses(USER)
    post("post_refund", draft(source, "post_refund", job)[0])

    post(TAKE, draft(source, TAKE, job)[0], keyed(2))

    assert purses(USER) == before == (10, 10, [])


def test_a_posted_charge_is_undone_by_giving_it_back_to_the_same_purses(source, job):
    CreditsFactory(paid_balance=5, free=30)
    batch = BatchFactory(remaining_amount=30)
    before = purses(USER)
    post("post_consumption", draft(source, "post_consumption", job)[0])
    (line,) = draft(source, GIVE, job)

    receipt = post(GIVE, line, keyed(2))

    bonus = CreditTransaction.objects.get(transaction_type="admin_bonus")
    assert (bonus.amount, str(bonus.id)) == (20, receipt["tx_id"])
    assert bonus.metadata["reverses_tx_id"] == line.particulars["tx_id"]
    assert purses(USER) == (35, 5, [(10, batch.expire_at), (20, batch.expire_at)])
    assert purses(USER)[0] == before[0]


def test_a_deduction_is_undone_by_giving_it_back(source, job, refund):
    CreditsFactory(paid_balance=20, free=100)
    BatchFactory(remaining_amount=100)
    post(TAKE, draft(source, TAKE, job)[0])

    post(GIVE, draft(source, GIVE, job)[0], keyed(2))

    assert purses(USER)[:2] == (120, 20)
    assert expiry(NOW) in [expire_at for _, expire_at in purses(USER)[2]]


def test_giving_back_is_undone_by_taking_it_back_again(source, job):
    CreditsFactory(paid_balance=100)
    post("post_consumption", draft(source, "post_consumption", job)[0])
    post(GIVE, draft(source, GIVE, job)[0], keyed(2))

    post(TAKE, draft(source, TAKE, job)[0], keyed(3))

    assert purses(USER) == (80, 80, [])


def test_only_what_the_console_took_is_given_back_and_only_once(source, job, refund):
    with pytest.raises(Refused, match="has taken nothing"):
        draft(source, GIVE, job)
    CreditsFactory(paid_balance=50)
    post(TAKE, draft(source, TAKE, job)[0])
    (line,) = draft(source, GIVE, job)
    signed = evidence(GIVE, line)

    receipt = post(GIVE, line, keyed(2))

    with pytest.raises(Refused, match=receipt["tx_id"]):
        post(GIVE, line, keyed(3))
    with pytest.raises(Refused, match="has taken nothing"):
        draft(source, GIVE, job)
    assert evidence(GIVE, line) == signed | {"given_back_by": receipt["tx_id"]}


def test_giving_back_another_amount_is_refused(source, job, refund):
    CreditsFactory(paid_balance=50)
    post(TAKE, draft(source, TAKE, job)[0])
    (line,) = draft(source, GIVE, job)

    with pytest.raises(Refused, match="another amount"):
        post(GIVE, type(line)(**{**vars(line), "amount": 60}))


def test_a_break_while_giving_back_leaves_nothing_behind(source, job, refund):
    CreditsFactory(paid_balance=50)
    post(TAKE, draft(source, TAKE, job)[0])
    (line,) = draft(source, GIVE, job)
    before = everything()
    AdminAuditLog.objects.using("imagegen_writer").all().delete()
    let_audit_fail()

    with pytest.raises(IntegrityError, match="nothing_more"):
        post(GIVE, line, keyed(2))

    assert everything()[2:] == before[2:]


def test_every_correction_names_the_one_that_takes_it_back():
    for correction in SYSTEM.corrections:
        reversal = SYSTEM.correction(correction.reversal)
        assert (reversal.subject_kind, reversal.unit) == (correction.subject_kind, correction.unit)


def test_a_refund_of_a_deleted_job_is_left_to_its_owner(source, job, refund):
    ImageJob.objects.using("imagegen_writer").all().delete()

    with pytest.raises(Refused, match="no refund to take back"):
        draft(source, TAKE, job)


def test_no_more_is_taken_from_a_batch_than_the_refund_gave(source, job, refund):
    CreditsFactory(paid_balance=100, free=70)
    BatchFactory(amount=70, remaining_amount=70, source="refund", credit_transaction_id=refund.id)

    post(TAKE, draft(source, TAKE, job)[0])

    assert purses(USER)[:2] == (120, 100)
    assert adds_up(USER)


def test_a_refund_that_put_nothing_in_is_not_taken_back(source, job):
    CreditsFactory(paid_balance=100)
    RefundFactory(job=job, amount=-50)
    before = everything()

    with pytest.raises(Refused, match="put nothing into the wallet"):
        post(TAKE, draft(source, TAKE, job)[0])

    assert everything() == before
