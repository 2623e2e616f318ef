"""Post the missing refund: post_refund."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError

from systems.base import Refused
from systems.imagegen.factories import (
    MOMENT,
    SOMEONE_ELSE,
    USER,
    AllocationFactory,
    BatchFactory,
    ConsumptionFactory,
    CreditsFactory,
    JobFactory,
    RefundFactory,
)
from systems.imagegen.models import AdminAuditLog, CreditTransaction, ImageJob, PercoinAllocation
from systems.imagegen.purses import expiry
from systems.imagegen.system import SYSTEM
from systems.imagegen.tests.conftest import NOW
from systems.imagegen.tests.postings import (
    POSTING,
    adds_up,
    draft,
    effects,
    everything,
    evidence,
    keyed,
    let_audit_fail,
    post,
    purses,
)

pytestmark = pytest.mark.django_db
CODE = "post_refund"


@pytest.fixture
def job():
    return JobFactory(failed=True)


@pytest.fixture
def charge(job):
    return ConsumptionFactory(job=job, amount=-50)


def allocated(job, charge, *parts):
    for kind, amount, expire_at in parts:
        AllocationFactory(
            job_id=job.id,
            consumption_transaction_id=charge.id,
            allocation_kind=kind,
            amount=amount,
            source_batch_id=None if kind == "paid" else uuid4(),
            source_expire_at=expire_at,
        )


def test_it_gives_back_the_recorded_amount_whatever_the_price_is_today(source, job, charge):
    CreditsFactory(paid_balance=30)
    (line,) = draft(source, CODE, job)

    receipt = post(CODE, line)

    refund = CreditTransaction.objects.get(transaction_type="refund")
    assert (line.amount, refund.amount, str(refund.id)) == (50, 50, receipt["tx_id"])
    assert purses(USER) == (80, 80, [])
    assert refund.created_at == NOW


def test_the_ledger_row_has_the_sources_keys_and_says_that_it_is_ours(source, job, charge):
    CreditsFactory()

    post(CODE, draft(source, CODE, job)[0])

    metadata = CreditTransaction.objects.get(transaction_type="refund").metadata
    assert metadata["job_id"] == str(job.id)
    assert (metadata["reason"], metadata["source"]) == ("image_generation_failed", "billingadmin")
    assert (metadata["to_paid"], metadata["to_promo"], metadata["refund_mode"]) == (50, 0, "legacy_fallback")


def test_each_purse_gets_back_what_it_paid_with_the_expiry_it_had(source, job, charge):
    CreditsFactory(paid_balance=10)
    soon, later = MOMENT + timedelta(days=2), MOMENT + timedelta(days=60)
    paid_by = [("period_limited", 8, soon), ("period_limited", 12, later), ("unlimited_bonus", 5, None)]
    allocated(job, charge, *paid_by, ("paid", 25, None))

    post(CODE, draft(source, CODE, job)[0])

    assert purses(USER) == (60, 35, [(8, soon), (12, later), (5, None)])
    metadata = CreditTransaction.objects.get(transaction_type="refund").metadata
    assert (metadata["to_period_limited"], metadata["to_unlimited_bonus"], metadata["to_paid"]) == (20, 5, 25)
    assert metadata["refund_mode"] == "allocations"
    assert adds_up(USER)


def test_the_allocations_know_that_they_were_restored(source, job, charge):
    CreditsFactory()
    allocated(job, charge, ("paid", 50, None))

    receipt = post(CODE, draft(source, CODE, job)[0])

    allocation = PercoinAllocation.objects.get()
    assert (str(allocation.refund_transaction_id), allocation.restored_at) == (receipt["tx_id"], NOW)


def test_without_allocations_the_rows_own_split_decides(source, job):
    CreditsFactory()
    ConsumptionFactory(job=job, told=True, paid=20, promo=30)

    post(CODE, draft(source, CODE, job)[0])

    assert purses(USER) == (50, 20, [(30, expiry(NOW))])


@pytest.mark.parametrize("told", ["30", 30])
def test_a_split_written_as_text_is_read_all_the_same(source, job, told):
    CreditsFactory()
    ConsumptionFactory(job=job, amount=-50, metadata={"job_id": str(job.id), "from_promo": told})

    post(CODE, draft(source, CODE, job)[0])

    assert purses(USER)[:2] == (50, 20)


def test_allocations_that_do_not_add_up_to_the_charge_are_refused(source, job, charge):
    CreditsFactory()
    allocated(job, charge, ("paid", 20, None))
    before = everything()

    with pytest.raises(Refused, match="20 credits by the allocations, but 50 were charged"):
        post(CODE, draft(source, CODE, job)[0])

    assert everything() == before


def test_the_sources_own_audit_row_names_job_transaction_reason_and_who_approved(source, job, charge):
    CreditsFactory()

    receipt = post(CODE, draft(source, CODE, job)[0])

    row = AdminAuditLog.objects.get()
    assert (row.action_type, row.target_id, str(row.id)) == (
        "billingadmin_refund_posted",
        receipt["tx_id"],
        receipt["audit_id"],
    )
    assert row.metadata["job_id"] == str(job.id)
    assert (row.metadata["tx_id"], row.metadata["about_tx_id"]) == (receipt["tx_id"], str(charge.id))
    assert (row.metadata["reason"], row.metadata["correlation_id"]) == (POSTING.reason, "run-7")
    assert (row.metadata["proposed_by"], row.metadata["approved_by"]) == ("Mai", ["Ken", "Rin"])


def test_a_user_without_a_balance_gets_one(source, job, charge):
    post(CODE, draft(source, CODE, job)[0])

    assert purses(USER) == (50, 50, [])


def test_a_second_posting_is_refused_and_names_the_first(source, job, charge):
    CreditsFactory()
    (line,) = draft(source, CODE, job)
    receipt = post(CODE, line)
    before = everything()

    with pytest.raises(Refused, match=receipt["tx_id"]):
        post(CODE, line, keyed(2))
    with pytest.raises(Refused, match=receipt["tx_id"]):
        draft(source, CODE, job)

    assert everything() == before


def test_the_unique_index_is_respected_and_the_row_in_the_way_named(source, job, charge):
    """Two charges in two spellings, and a refund of this one: by number one is missing, by text it is not this."""
    CreditsFactory()
    ConsumptionFactory(job=job, capitals=True, created_at=NOW)
    line = draft(source, CODE, job)[0]
    refund = RefundFactory(job=job)
    before = everything()

    with pytest.raises(Refused, match=f"already has such a row: {refund.id}"):
        post(CODE, line)

    assert everything() == before


def test_a_break_in_the_middle_leaves_nothing_behind(source, job, charge):
    CreditsFactory(paid_balance=5, free=5)
    BatchFactory(remaining_amount=5)
    allocated(job, charge, ("period_limited", 50, MOMENT))
    (line,) = draft(source, CODE, job)
    before = everything()
    let_audit_fail()

    with pytest.raises(IntegrityError, match="nothing_more"):
        post(CODE, line)

    assert everything() == before
    assert PercoinAllocation.objects.get().restored_at is None


def test_two_charges_in_two_spellings_are_two_lines(source, job, charge):
    CreditsFactory()
    ConsumptionFactory(job=job, capitals=True, amount=-20)

    lines = draft(source, CODE, job)
    for number, line in enumerate(lines):
        signed = evidence(CODE, line)
        post(CODE, line, keyed(number))
        assert signed["refund_id"] is None

    assert sorted(line.amount for line in lines) == [20, 50]
    assert purses(USER)[0] == 70


@pytest.mark.parametrize("trait", ["succeeded", "processing", "queued_again"])
def test_only_a_job_that_failed_for_good_is_refunded(source, trait):
    job = JobFactory(**{trait: True})
    ConsumptionFactory(job=job)

    with pytest.raises(Refused, match="Only a job that failed for good"):
        draft(source, CODE, job)


def test_a_job_picked_up_again_in_the_meantime_is_refused(source, job, charge):
    CreditsFactory()
    (line,) = draft(source, CODE, job)
    ImageJob.objects.using("imagegen_writer").update(status="processing")

    with pytest.raises(Refused, match="processing by now"):
        post(CODE, line)


def test_a_job_that_was_never_charged_has_nothing_to_give_back(source):
    with pytest.raises(Refused, match="never charged"):
        draft(source, CODE, JobFactory(unpaid=True))


def test_a_deleted_job_is_not_refunded(source, job, charge):
    CreditsFactory()
    (line,) = draft(source, CODE, job)
    ImageJob.objects.using("imagegen_writer").all().delete()

    assert evidence(CODE, line) is None
    with pytest.raises(Refused, match="no longer there"):
        post(CODE, line)
    with pytest.raises(Refused, match="There is no job"):
        draft(source, CODE, job)


def test_an_amount_other_than_the_charge_is_refused(source, job, charge):
    CreditsFactory()
    (line,) = draft(source, CODE, job)
    more = type(line)(**{**vars(line), "amount": 51})

    with pytest.raises(Refused, match="50 credits, not 51"):
        post(CODE, more)


def test_another_users_charge_for_the_job_is_not_refunded(source, job, charge):
    theirs = ConsumptionFactory(job=job, somebody_elses=True, amount=-50)
    (line,) = draft(source, CODE, job)
    named = {"user_id": str(SOMEONE_ELSE), "tx_id": str(theirs.id)}
    line = type(line)(**{**vars(line), "particulars": {**line.particulars, **named}})

    assert evidence(CODE, line) is None
    with pytest.raises(Refused, match="no longer there"):
        post(CODE, line)


@pytest.mark.parametrize("lock", [False, True])
def test_the_evidence_is_what_does_not_move_by_itself(source, job, charge, lock):
    CreditsFactory()
    (line,) = draft(source, CODE, job)

    assert evidence(CODE, line, lock) == {
        "job_id": str(job.id),
        "user_id": str(USER),
        "job_status": "failed",
        "consumption_id": str(charge.id),
        "consumption_amount": -50,
        "consumption_job_id": str(job.id),
        "refund_id": None,
    }


def test_the_effects_are_the_purses_and_what_the_ledger_does_not_explain(source, job, charge):
    CreditsFactory(paid_balance=30)
    ConsumptionFactory(amount=80, transaction_type="purchase")
    (line,) = draft(source, CODE, job)
    before = effects(line)

    post(CODE, line)

    assert before == [30, 30, 0, 0, 0]
    assert effects(line) == [80, 80, 0, 0, 0]


def test_it_answers_the_missing_refund_and_is_taken_back_by_a_deduction():
    correction = SYSTEM.correction(CODE)

    assert correction.answers == ("consumption_without_refund_for_failed_job",)
    assert correction.reversal == "take_back_refund"


def test_a_charge_that_took_nothing_out_is_not_refunded(source, job):
    CreditsFactory(paid_balance=100)
    ConsumptionFactory(job=job, amount=50)
    before = everything()

    with pytest.raises(Refused, match="took nothing out of the wallet"):
        post(CODE, draft(source, CODE, job)[0])

    assert everything() == before
