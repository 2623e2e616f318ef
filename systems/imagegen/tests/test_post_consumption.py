"""Post the missing charge: post_consumption."""

from datetime import timedelta

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
    ImageFactory,
    JobFactory,
)
from systems.imagegen.models import AdminAuditLog, CreditTransaction, FreePercoinBatch, ImageJob, PercoinAllocation
from systems.imagegen.system import SYSTEM
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
CODE = "post_consumption"


@pytest.fixture
def job():
    return JobFactory(succeeded=True, model="gemini-3-pro-image-1k")


def test_it_charges_the_price_of_the_model(source, job):
    CreditsFactory(paid_balance=70)
    (line,) = draft(source, CODE, job)

    receipt = post(CODE, line)

    charge = CreditTransaction.objects.get()
    assert (charge.transaction_type, charge.amount, str(charge.id)) == ("consumption", -50, receipt["tx_id"])
    assert purses(USER) == (20, 20, [])


def test_the_date_decides_the_price_too(source):
    before = MOMENT.replace(month=8, day=1)
    job = JobFactory(succeeded=True, model="gpt-image-2-low-1k", requested_image_count=3, created_at=before)

    assert [line.amount for line in draft(source, CODE, job)] == [-30]


def test_free_credits_go_first_by_expiry_then_those_for_ever_then_paid_ones(source, job):
    CreditsFactory(paid_balance=30, free=40)
    BatchFactory(remaining_amount=15, expire_at=MOMENT + timedelta(days=9))
    BatchFactory(remaining_amount=20, expire_at=MOMENT + timedelta(days=2))
    BatchFactory(remaining_amount=5, for_ever=True)

    post(CODE, draft(source, CODE, job)[0])

    assert purses(USER) == (20, 20, [])
    metadata = CreditTransaction.objects.get().metadata
    assert (metadata["from_promo"], metadata["from_period_limited"], metadata["from_unlimited_bonus"]) == (40, 35, 5)
    assert (metadata["from_paid"], metadata["reason"], metadata["source"]) == (10, "image_generation", "billingadmin")


def test_a_batch_that_is_used_up_is_deleted_and_one_that_is_not_stays(source, job):
    CreditsFactory(free=60)
    soon = MOMENT + timedelta(days=2)
    BatchFactory(remaining_amount=20, expire_at=soon)
    later = BatchFactory(remaining_amount=40)

    post(CODE, draft(source, CODE, job)[0])

    assert list(FreePercoinBatch.objects.values_list("id", "remaining_amount")) == [(later.id, 10)]
    assert adds_up(USER)


def test_it_says_which_purse_paid_which_part(source, job):
    CreditsFactory(paid_balance=30, free=30)
    batch = BatchFactory(remaining_amount=30)

    receipt = post(CODE, draft(source, CODE, job)[0])

    rows = PercoinAllocation.objects.filter(job_id=job.id, consumption_transaction_id=receipt["tx_id"])
    assert set(rows.values_list("allocation_kind", "amount", "source_batch_id", "source_expire_at")) == {
        ("period_limited", 30, batch.id, batch.expire_at),
        ("paid", 20, None, None),
    }


def test_the_charge_names_the_first_image(source, job):
    CreditsFactory(paid_balance=50)
    ImageFactory(image_job_id=job.id, image_job_result_index=1)
    first = ImageFactory(image_job_id=job.id, image_job_result_index=0)

    post(CODE, draft(source, CODE, job)[0])

    assert CreditTransaction.objects.get().related_generation_id == first.id


def test_the_sources_own_audit_row_names_job_transaction_and_reason(source, job):
    CreditsFactory(paid_balance=50)

    receipt = post(CODE, draft(source, CODE, job)[0])

    row = AdminAuditLog.objects.get()
    assert (row.action_type, row.target_type) == ("billingadmin_consumption_posted", "credit_transactions")
    assert (row.metadata["job_id"], row.metadata["tx_id"]) == (str(job.id), receipt["tx_id"])
    assert row.metadata["reason"] == POSTING.reason


def test_a_short_balance_is_refused_and_nothing_is_written(source, job):
    CreditsFactory(paid_balance=20, free=29)
    BatchFactory(remaining_amount=29)
    before = everything()

    with pytest.raises(Refused, match=r"would go below zero\. 1 credits are missing"):
        post(CODE, draft(source, CODE, job)[0])

    assert everything() == before


def test_what_has_expired_does_not_pay(source, job):
    CreditsFactory(paid_balance=20, free=100)
    BatchFactory(over=True)

    with pytest.raises(Refused, match="30 credits are missing"):
        post(CODE, draft(source, CODE, job)[0])


def test_a_user_without_a_balance_cannot_be_charged(source, job):
    with pytest.raises(Refused, match="below zero"):
        post(CODE, draft(source, CODE, job)[0])


def test_a_second_posting_is_refused_and_names_the_first(source, job):
    CreditsFactory(paid_balance=500)
    (line,) = draft(source, CODE, job)
    receipt = post(CODE, line)
    before = everything()

    with pytest.raises(Refused, match=receipt["tx_id"]):
        post(CODE, line, keyed(2))
    with pytest.raises(Refused, match=receipt["tx_id"]):
        draft(source, CODE, job)

    assert everything() == before


def test_the_unique_index_is_respected_and_the_row_in_the_way_named(source):
    """The source does not read an id of version 7, but its unique index does."""
    CreditsFactory(paid_balance=500)
    job = JobFactory(succeeded=True, version_seven=True)
    line = draft(source, CODE, job)[0]
    charge = ConsumptionFactory(job=job)
    before = everything()

    with pytest.raises(Refused, match=f"already has such a row: {charge.id}"):
        post(CODE, line)

    assert everything() == before


def test_a_break_in_the_middle_leaves_nothing_behind(source, job):
    CreditsFactory(paid_balance=30, free=30)
    BatchFactory(remaining_amount=30)
    (line,) = draft(source, CODE, job)
    before = everything()
    let_audit_fail()

    with pytest.raises(IntegrityError, match="nothing_more"):
        post(CODE, line)

    assert everything() == before
    assert not PercoinAllocation.objects.exists()


@pytest.mark.parametrize("trait", ["one_tap_free", "one_tap_other_mode", "one_tap_without_mode"])
def test_a_job_that_is_free_by_design_is_not_charged(source, trait):
    with pytest.raises(Refused, match="free by design"):
        draft(source, CODE, JobFactory(**{trait: True}))


def test_a_job_that_became_free_by_design_is_refused_at_the_last_moment(source):
    CreditsFactory(paid_balance=500)
    job = JobFactory(one_tap_paid=True)
    (line,) = draft(source, CODE, job)
    ImageJob.objects.using("imagegen_writer").update(generation_metadata={"oneTapStyle": {"billingMode": "free"}})

    with pytest.raises(Refused, match="free by design"):
        post(CODE, line)


@pytest.mark.parametrize("trait", ["failed", "processing", "queued_again"])
def test_only_a_job_that_succeeded_is_charged(source, trait):
    with pytest.raises(Refused, match="Only a job that succeeded"):
        draft(source, CODE, JobFactory(**{trait: True}))


@pytest.mark.parametrize("trait", ["padded", "capitals"])
def test_a_user_who_paid_in_another_spelling_is_not_charged_twice(source, job, trait):
    charge = ConsumptionFactory(job=job, **{trait: True})

    with pytest.raises(Refused, match=str(charge.id)):
        draft(source, CODE, job)


@pytest.mark.parametrize("trait", ["empty", "numeric", "null"])
def test_a_user_whose_purses_paid_for_the_job_is_not_charged_twice(source, job, trait):
    charge = ConsumptionFactory(job=job, **{trait: True})
    AllocationFactory(job_id=job.id, consumption_transaction_id=charge.id)

    with pytest.raises(Refused, match=f"paid for this job by {charge.id}"):
        draft(source, CODE, job)


def test_what_somebody_else_paid_does_not_count(source, job):
    ConsumptionFactory(job=job, somebody_elses=True)

    assert [line.particulars["user_id"] for line in draft(source, CODE, job)] == [str(USER)]


def test_a_charge_is_below_zero(source, job):
    (line,) = draft(source, CODE, job)

    with pytest.raises(Refused, match="below zero"):
        post(CODE, type(line)(**{**vars(line), "amount": 50}))


@pytest.mark.parametrize("lock", [False, True])
def test_the_evidence_is_what_decides_the_price_and_that_nothing_charged_it(source, job, lock):
    (line,) = draft(source, CODE, job)

    assert evidence(CODE, line, lock) == {
        "job_id": str(job.id),
        "user_id": str(USER),
        "job_status": "succeeded",
        "model": "gemini-3-pro-image-1k",
        "generation_type": "coordinate",
        "requested_image_count": 1,
        "created_at": job.created_at,
        "consumption_id": None,
    }


def test_the_evidence_is_gone_with_the_job(source, job):
    (line,) = draft(source, CODE, job)
    ImageJob.objects.using("imagegen_writer").all().delete()

    assert evidence(CODE, line) is None
    with pytest.raises(Refused, match="no longer there"):
        post(CODE, line)


def test_a_balance_that_was_reduced_without_a_row_shows_before_anybody_signs(source, job):
    """The source once wrote the balance first and lost the row: posting the charge would take the credits twice."""
    CreditsFactory(paid_balance=50)
    ConsumptionFactory(amount=100, transaction_type="purchase")

    assert effects(draft(source, CODE, job)[0])[-1] == -50


def test_it_answers_the_missing_charge_and_is_taken_back_by_giving_back():
    correction = SYSTEM.correction(CODE)

    assert (correction.answers, correction.reversal) == (("succeeded_job_without_consumption",), "give_back")
