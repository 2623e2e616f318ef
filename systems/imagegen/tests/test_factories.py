"""Every trait makes the row it is named after."""

from datetime import timedelta

import pytest

from systems.imagegen.factories import (
    MOMENT,
    SOMEONE_ELSE,
    USER,
    BatchFactory,
    ConsumptionFactory,
    CreditsFactory,
    JobFactory,
    RefundFactory,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("trait", ["succeeded", "failed", "processing", "stale", "unpaid"])
def test_a_job_stands_as_its_trait_says(trait):
    job = JobFactory(**{trait: True})

    job.refresh_from_db()
    assert job.status == {"stale": "processing", "unpaid": "failed"}.get(trait, trait)
    assert bool(job.completed_at) == (job.status in ("succeeded", "failed"))


def test_a_job_waits_again_after_a_failed_try():
    job = JobFactory(queued_again=True)

    assert (job.status, job.attempts, job.started_at) == ("queued", 1, None)
    assert job.error_message


def test_a_stale_job_has_been_at_work_for_more_than_six_minutes():
    assert MOMENT - JobFactory(stale=True).started_at > timedelta(seconds=360)


@pytest.mark.parametrize(
    ("trait", "metadata"),
    [
        ("one_tap_free", {"oneTapStyle": {"billingMode": "free"}}),
        ("one_tap_other_mode", {"oneTapStyle": {"billingMode": "campaign"}}),
        ("one_tap_without_mode", {"oneTapStyle": {"presetId": "style-1"}}),
        ("one_tap_paid", {"oneTapStyle": {"billingMode": "paid"}}),
        ("one_tap_without_object", None),
    ],
)
def test_a_one_tap_style_says_how_it_is_billed(trait, metadata):
    job = JobFactory(**{trait: True})

    assert (job.generation_type, job.generation_metadata) == ("one_tap_style", metadata)


def test_jobs_may_have_ids_the_source_does_not_read():
    assert [JobFactory(version_seven=True).id.version for _ in range(2)] == [7, 7]


def test_a_prompt_is_a_persons_words():
    assert JobFactory(prompted=True).prompt_text


@pytest.mark.parametrize(
    ("trait", "written"),
    [
        ("capitals", lambda job: str(job.id).upper()),
        ("padded", lambda job: f" {job.id} "),
        ("empty", lambda job: ""),
        ("numeric", lambda job: 4711),
        ("null", lambda job: None),
    ],
)
def test_a_ledger_row_writes_the_job_as_its_trait_says(trait, written):
    job = JobFactory()

    assert ConsumptionFactory(job=job, **{trait: True}).metadata["job_id"] == written(job)


def test_a_ledger_row_may_lack_what_others_have():
    assert ConsumptionFactory(without_metadata=True).metadata is None
    assert ConsumptionFactory(dateless=True).created_at is None
    assert ConsumptionFactory(job=JobFactory(), somebody_elses=True).user_id == SOMEONE_ELSE
    assert ConsumptionFactory(orphan=True).metadata["job_id"]


def test_a_charge_and_a_refund_may_tell_their_split():
    charge = ConsumptionFactory(job=JobFactory(), told=True, paid=5, promo=15)
    refund = RefundFactory(job=JobFactory(), told=True, amount=30)

    assert (charge.amount, charge.metadata["from_paid"], charge.metadata["from_promo"]) == (-20, 5, 15)
    assert refund.metadata["to_paid"] == 30


def test_a_balance_is_paid_and_free_together():
    assert CreditsFactory(paid_balance=30, free=12).balance == 42


def test_batches_expire_never_or_have_expired():
    assert BatchFactory(for_ever=True).expire_at is None
    assert BatchFactory(over=True).expire_at < MOMENT
    assert BatchFactory().user_id == USER
