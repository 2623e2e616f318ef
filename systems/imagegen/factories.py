"""Any row of the source, however odd. A factory sets only what the constraints demand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import factory

from systems.imagegen.models import (
    AdminAuditLog,
    CreditTransaction,
    FreePercoinBatch,
    FreePercoinExpiration,
    GeneratedImage,
    ImageJob,
    PercoinAllocation,
    UserCredits,
)

MOMENT = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
USER = UUID("11111111-1111-4111-8111-111111111111")
SEVEN = "019aa000-0000-7000-8000-"
SOMEONE_ELSE = UUID("22222222-2222-4222-8222-222222222222")


class SourceFactory(factory.django.DjangoModelFactory):
    class Meta:
        abstract = True
        database = "imagegen_writer"


class JobFactory(SourceFactory):
    class Meta:
        model = ImageJob

    user_id = USER
    created_at = MOMENT
    updated_at = MOMENT

    class Params:
        succeeded = factory.Trait(
            status="succeeded", processing_stage="completed", started_at=MOMENT, completed_at=MOMENT
        )
        failed = factory.Trait(
            status="failed",
            processing_stage="failed",
            attempts=3,
            error_message="No images generated",
            started_at=MOMENT,
            completed_at=MOMENT,
        )
        processing = factory.Trait(status="processing", processing_stage="generating", started_at=MOMENT)
        queued_again = factory.Trait(attempts=1, error_message="The model is overloaded")
        stale = factory.Trait(
            status="processing", processing_stage="uploading", started_at=MOMENT - timedelta(seconds=361)
        )
        unpaid = factory.Trait(failed=True, attempts=1, error_message="Insufficient percoin balance")
        one_tap_free = factory.Trait(
            succeeded=True,
            generation_type="one_tap_style",
            generation_metadata={"oneTapStyle": {"billingMode": "free"}},
        )
        one_tap_other_mode = factory.Trait(
            succeeded=True,
            generation_type="one_tap_style",
            generation_metadata={"oneTapStyle": {"billingMode": "campaign"}},
        )
        one_tap_without_mode = factory.Trait(
            succeeded=True,
            generation_type="one_tap_style",
            generation_metadata={"oneTapStyle": {"presetId": "style-1"}},
        )
        one_tap_without_object = factory.Trait(succeeded=True, generation_type="one_tap_style")
        one_tap_paid = factory.Trait(
            succeeded=True,
            generation_type="one_tap_style",
            generation_metadata={"oneTapStyle": {"billingMode": "paid"}},
        )
        version_seven = factory.Trait(
            id=factory.Sequence(lambda number: UUID(f"019aa000-0000-7000-8000-{number:012x}"))
        )
        prompted = factory.Trait(prompt_text="桜並木の下で振り袖を着た女の子")


def named(write: Callable[[UUID], Any]) -> factory.Trait:
    """The row names its job, in a spelling of its own."""
    return factory.Trait(metadata=factory.LazyAttribute(lambda row: {"job_id": write(row.job.id)}))


class TransactionFactory(SourceFactory):
    """A ledger row about ``job``, or with whatever ``metadata`` is given."""

    class Meta:
        model = CreditTransaction

    class Params:
        job = None
        capitals = named(lambda job_id: str(job_id).upper())
        padded = named(lambda job_id: f" {job_id} ")
        empty = named(lambda job_id: "")
        numeric = named(lambda job_id: 4711)
        null = named(lambda job_id: None)
        orphan = factory.Trait(metadata=factory.LazyFunction(lambda: {"job_id": str(uuid4())}))
        without_metadata = factory.Trait(metadata=None)
        dateless = factory.Trait(created_at=None)
        somebody_elses = factory.Trait(user_id=SOMEONE_ELSE)

    user_id = factory.LazyAttribute(lambda row: row.job.user_id if row.job else USER)
    amount = -20
    transaction_type = "consumption"
    metadata = factory.LazyAttribute(lambda row: {"job_id": str(row.job.id)} if row.job else None)
    created_at = MOMENT


class ConsumptionFactory(TransactionFactory):
    """With ``told``, the row says which purse paid: ``paid`` and ``promo``."""

    class Params:
        paid = 0
        promo = 0
        told = factory.Trait(
            amount=factory.LazyAttribute(lambda row: -row.paid - row.promo),
            metadata=factory.LazyAttribute(
                lambda row: {"job_id": str(row.job.id), "from_paid": row.paid, "from_promo": row.promo}
            ),
        )


class RefundFactory(TransactionFactory):
    """With ``told``, the row says that all of it went to the paid purse."""

    amount = 20
    transaction_type = "refund"

    class Params:
        told = factory.Trait(
            metadata=factory.LazyAttribute(
                lambda row: {"job_id": str(row.job.id), "to_paid": row.amount, "to_promo": 0}
            )
        )


class ImageFactory(SourceFactory):
    class Meta:
        model = GeneratedImage

    user_id = USER
    image_url = "https://images.example/one.png"
    storage_path = "generated/one.png"
    created_at = MOMENT


class AuditFactory(SourceFactory):
    class Meta:
        model = AdminAuditLog

    action_type = "bonus_grant"
    target_type = "user"
    created_at = MOMENT


class CreditsFactory(SourceFactory):
    """A balance that is ``paid_balance`` and ``free`` together; the free part needs batches beside it."""

    class Meta:
        model = UserCredits

    class Params:
        free = 0

    user_id = USER
    paid_balance = 0
    balance = factory.LazyAttribute(lambda row: row.paid_balance + row.free)
    updated_at = MOMENT


class BatchFactory(SourceFactory):
    class Meta:
        model = FreePercoinBatch

    user_id = USER
    amount = 100
    remaining_amount = 100
    granted_at = MOMENT
    expire_at = MOMENT + timedelta(days=90)
    source = "signup_bonus"

    class Params:
        for_ever = factory.Trait(expire_at=None, source="admin_bonus")
        over = factory.Trait(expire_at=MOMENT - timedelta(days=1))


class ExpirationFactory(SourceFactory):
    class Meta:
        model = FreePercoinExpiration

    batch_id = factory.Faker("uuid4")
    user_id = USER
    amount_expired = 10
    original_amount = 100
    granted_at = MOMENT
    source = "signup_bonus"
    processed_at = MOMENT


class AllocationFactory(SourceFactory):
    class Meta:
        model = PercoinAllocation

    user_id = USER
    allocation_kind = "paid"
    amount = 20
    created_at = MOMENT
