"""The steps that should be there and are not."""

from datetime import timedelta

import pytest

from systems.imagegen import timeline
from systems.imagegen.factories import (
    MOMENT,
    AuditFactory,
    ConsumptionFactory,
    ImageFactory,
    JobFactory,
    RefundFactory,
    TransactionFactory,
)
from systems.imagegen.models import ImageJob

pytestmark = pytest.mark.django_db


def ghosts(source, job):
    return {str(event.title): event for event in timeline.of_job(source, str(job.id)) if event.ghost}


def test_a_job_that_is_all_right_has_none(source):
    job = JobFactory(succeeded=True)
    ConsumptionFactory(job=job)
    ImageFactory(image_job_id=job.id)

    assert not ghosts(source, job)


def test_a_succeeded_job_should_have_been_charged_before_it_began(source):
    job = JobFactory(succeeded=True, model="gemini-3-pro-image-2k")
    ImageFactory(image_job_id=job.id)

    ghost = ghosts(source, job)["Charge"]

    assert (ghost.at, ghost.kind, ghost.amount, ghost.unit) == (job.started_at, "ledger", -80, "credits")


@pytest.mark.parametrize("trait", ["somebody_elses", "padded"])
def test_a_charge_that_the_source_does_not_count_leaves_its_ghost(source, trait):
    job = JobFactory(succeeded=True)
    ConsumptionFactory(job=job, **{trait: True})

    assert "Charge" in ghosts(source, job)


@pytest.mark.parametrize("trait", ["one_tap_free", "one_tap_other_mode", "one_tap_without_mode"])
def test_a_job_that_is_free_by_design_has_no_ghost_of_a_charge(source, trait):
    assert "Charge" not in ghosts(source, JobFactory(**{trait: True}))


@pytest.mark.parametrize("trait", ["one_tap_paid", "one_tap_without_object"])
def test_a_style_that_is_paid_for_has_one(source, trait):
    assert "Charge" in ghosts(source, JobFactory(**{trait: True}))


def test_a_job_is_charged_before_it_generates(source):
    assert "Charge" in ghosts(source, JobFactory(processing=True))
    assert "Charge" not in ghosts(source, JobFactory(processing=True, processing_stage="charging"))


def test_a_job_that_could_not_be_paid_lacks_nothing(source):
    assert not ghosts(source, JobFactory(unpaid=True))


def test_a_succeeded_job_should_have_an_image(source):
    job = JobFactory(succeeded=True)
    ConsumptionFactory(job=job)

    assert ghosts(source, job)["Image"].at == job.completed_at


def test_a_failed_job_that_was_charged_should_be_refunded_what_was_recorded(source):
    job = JobFactory(failed=True)
    ConsumptionFactory(job=job, amount=-130)

    ghost = ghosts(source, job)["Refund"]

    assert (ghost.at, ghost.kind, ghost.amount) == (job.completed_at, "ledger", 130)


def test_a_refund_lays_the_ghost(source):
    job = JobFactory(failed=True)
    ConsumptionFactory(job=job)
    RefundFactory(job=job, capitals=True)

    assert not ghosts(source, job)


def test_a_try_should_end_within_six_minutes(source):
    job = JobFactory(stale=True)
    ConsumptionFactory(job=job)

    assert ghosts(source, job)["End of the try"].at == job.started_at + timedelta(seconds=360)
    assert "End of the try" not in ghosts(source, JobFactory(processing=True))


def test_a_job_that_ended_should_say_when(source):
    job = JobFactory(failed=True, completed_at=None)

    assert ghosts(source, job)["Time of completion"].at == job.updated_at


def test_a_queued_job_should_be_tried_within_the_hour(source):
    job = JobFactory(created_at=MOMENT - timedelta(hours=3), updated_at=MOMENT - timedelta(hours=3))

    assert ghosts(source, job)["A try"].at == MOMENT - timedelta(hours=2)
    assert not ghosts(source, JobFactory())


def test_a_deleted_job_is_itself_the_ghost(source):
    job = JobFactory(succeeded=True)
    ConsumptionFactory(job=job)
    ImageJob.objects.using("imagegen_writer").filter(pk=job.pk).delete()

    (event,) = [event for event in timeline.of_job(source, str(job.id)) if event.ghost]

    assert (str(event.title), event.kind, event.at) == ("The job itself", "job", MOMENT)


def test_a_manual_correction_should_be_audited_by_its_transaction(source):
    job = JobFactory(succeeded=True)
    deduction = TransactionFactory(job=job, transaction_type="admin_deduction")

    assert "Audit entry" in ghosts(source, job)

    AuditFactory(metadata={"job_id": str(job.id), "tx_id": str(deduction.id), "reason": "undue refund"})
    assert "Audit entry" not in ghosts(source, job)


def test_an_audit_row_whose_metadata_is_a_list_breaks_nothing(source):
    job = JobFactory(succeeded=True)
    row = TransactionFactory(transaction_type="admin_deduction", amount=-5, metadata={"job_id": str(job.id)})
    AuditFactory(target_id=str(job.id), metadata=["deducted"])

    assert ghosts(source, job)["Audit entry"].at == row.created_at
