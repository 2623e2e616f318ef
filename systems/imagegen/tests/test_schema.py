"""The tables are as found: what the source forbids is forbidden here, and what it lets pass passes."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, connections

from systems.imagegen.factories import (
    AllocationFactory,
    AuditFactory,
    BatchFactory,
    ConsumptionFactory,
    CreditsFactory,
    ExpirationFactory,
    ImageFactory,
    JobFactory,
    RefundFactory,
    TransactionFactory,
)
from systems.imagegen.models import CreditTransaction, ImageJob

pytestmark = pytest.mark.django_db


def test_every_table_takes_the_least_a_factory_gives():
    job = JobFactory()
    charge = ConsumptionFactory(job=job)

    AllocationFactory(job_id=job.id, consumption_transaction_id=charge.id, source_batch_id=uuid4())
    for factory in (ImageFactory, AuditFactory, CreditsFactory, BatchFactory, ExpirationFactory):
        factory()


@pytest.mark.parametrize("factory", [ConsumptionFactory, RefundFactory])
def test_a_job_is_charged_and_refunded_once_for_each_spelling_of_its_id(factory):
    job = JobFactory()
    factory(job=job)
    factory(job=job, metadata={"job_id": str(job.id).upper()})

    with pytest.raises(IntegrityError, match="per_job"):
        factory(job=job)


def test_a_null_job_id_is_not_stopped_by_the_unique_indexes():
    ConsumptionFactory.create_batch(2, metadata={"job_id": None})

    assert CreditTransaction.objects.count() == 2


def test_a_deduction_repeats_no_idempotency_key():
    deduction = {"transaction_type": "admin_deduction", "metadata": {"idempotency_key": "one"}}
    TransactionFactory(**deduction)

    with pytest.raises(IntegrityError, match="idempotency_key"):
        TransactionFactory(**deduction)


def test_an_update_bumps_updated_at_whatever_it_changed():
    job = JobFactory()
    before = job.updated_at

    job.caption = "unchanged"
    job.save(using="imagegen_writer")

    assert ImageJob.objects.get(pk=job.pk).updated_at > before


def test_the_owner_may_delete_a_job_under_its_ledger_rows():
    job = JobFactory()
    charge = ConsumptionFactory(job=job)

    with connections["imagegen_writer"].cursor() as cursor:
        cursor.execute("delete from public.image_jobs")

    assert CreditTransaction.objects.filter(pk=charge.pk).exists()


@pytest.mark.parametrize(
    ("factory", "values"),
    [
        (JobFactory, {"status": "paused"}),
        (TransactionFactory, {"transaction_type": "gift"}),
        (CreditsFactory, {"balance": -1}),
        (BatchFactory, {"remaining_amount": 101}),
    ],
)
def test_the_check_lists_hold(factory, values):
    with pytest.raises(IntegrityError):
        factory(**values)
