"""Any row of the source, however odd. A factory sets only what the constraints demand."""

from datetime import UTC, datetime
from uuid import UUID

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
        succeeded = factory.Trait(status="succeeded", completed_at=MOMENT)
        failed = factory.Trait(status="failed", attempts=3, error_message="No images generated", completed_at=MOMENT)
        processing = factory.Trait(status="processing", started_at=MOMENT)
        one_tap_free = factory.Trait(
            status="succeeded",
            generation_type="one_tap_style",
            generation_metadata={"oneTapStyle": {"billingMode": "free"}},
        )


class TransactionFactory(SourceFactory):
    """A ledger row about ``job``, or with whatever ``metadata`` is given."""

    class Meta:
        model = CreditTransaction

    class Params:
        job = None

    user_id = factory.LazyAttribute(lambda row: row.job.user_id if row.job else USER)
    amount = -20
    transaction_type = "consumption"
    metadata = factory.LazyAttribute(lambda row: {"job_id": str(row.job.id)} if row.job else None)
    created_at = MOMENT


class ConsumptionFactory(TransactionFactory):
    pass


class RefundFactory(TransactionFactory):
    amount = 20
    transaction_type = "refund"


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
    class Meta:
        model = UserCredits

    user_id = USER
    updated_at = MOMENT


class BatchFactory(SourceFactory):
    class Meta:
        model = FreePercoinBatch

    user_id = USER
    amount = 100
    remaining_amount = 100
    granted_at = MOMENT
    source = "signup_bonus"


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
