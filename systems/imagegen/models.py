"""The source's tables, unmanaged: what they hold is found, never migrated.

Statuses and types have no ``choices``, because the source's lists grow; a reader shows an unknown one as itself.
Ids of users, jobs and batches are plain uuids: their rows can be gone while the ledger still names them.
"""

from uuid import uuid4

from django.db import models
from django.utils import timezone


class ImageJob(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid4)
    user_id = models.UUIDField()
    prompt_text = models.TextField(default="")  # a person's words: never shown
    input_image_url = models.TextField(null=True)
    source_image_stock_id = models.UUIDField(null=True)
    generation_type = models.TextField(null=True, default="coordinate")
    generation_metadata = models.JSONField(null=True)
    model = models.TextField(null=True)
    background_mode = models.TextField(default="keep")
    source_image_type = models.TextField(default="illustration")
    status = models.TextField(default="queued")
    processing_stage = models.TextField(default="queued")
    requested_image_count = models.IntegerField(default=1)
    result_image_url = models.TextField(null=True)
    error_message = models.TextField(null=True)
    attempts = models.IntegerField(default=0)  # failed tries so far, not starts
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "image_jobs"


class GeneratedImage(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid4)
    user_id = models.UUIDField(null=True)
    image_url = models.TextField()
    storage_path = models.TextField()
    prompt = models.TextField(default="")
    is_posted = models.BooleanField(default=False)
    caption = models.TextField(null=True)
    posted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    image_job_id = models.UUIDField(null=True)
    image_job_result_index = models.IntegerField(null=True)
    model = models.TextField(null=True)
    width = models.IntegerField(null=True)
    height = models.IntegerField(null=True)
    generation_type = models.TextField(null=True)
    moderation_status = models.TextField(default="visible")

    class Meta:
        managed = False
        db_table = "generated_images"


class CreditTransaction(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid4)
    user_id = models.UUIDField()
    amount = models.IntegerField()  # into the wallet positive, out of it negative
    transaction_type = models.TextField()
    stripe_payment_intent_id = models.TextField(null=True)
    related_generation_id = models.UUIDField(null=True)
    metadata = models.JSONField(null=True)
    created_at = models.DateTimeField(null=True, default=timezone.now)

    class Meta:
        managed = False
        db_table = "credit_transactions"


class AdminAuditLog(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid4)
    admin_user_id = models.UUIDField(null=True)  # null for the machine's own entries
    action_type = models.TextField()
    target_type = models.TextField()
    target_id = models.TextField(null=True)
    metadata = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        managed = False
        db_table = "admin_audit_log"


class UserCredits(models.Model):
    user_id = models.UUIDField(primary_key=True)  # unique in the source, which has an id of its own beside it
    balance = models.IntegerField(default=0)
    paid_balance = models.IntegerField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        managed = False
        db_table = "user_credits"


class FreePercoinBatch(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid4)
    user_id = models.UUIDField()
    amount = models.IntegerField()
    remaining_amount = models.IntegerField()
    granted_at = models.DateTimeField(default=timezone.now)
    expire_at = models.DateTimeField(null=True)  # null never expires
    source = models.TextField()
    credit_transaction_id = models.UUIDField(null=True)

    class Meta:
        managed = False
        db_table = "free_percoin_batches"


class FreePercoinExpiration(models.Model):
    batch_id = models.UUIDField(primary_key=True)
    user_id = models.UUIDField()
    amount_expired = models.IntegerField()
    original_amount = models.IntegerField()
    granted_at = models.DateTimeField()
    expire_at = models.DateTimeField(null=True)
    source = models.TextField()
    reason = models.TextField(null=True)
    processed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        managed = False
        db_table = "free_percoin_expiration_log"


class PercoinAllocation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid4)
    job_id = models.UUIDField()
    user_id = models.UUIDField()
    consumption_transaction_id = models.UUIDField(null=True)
    refund_transaction_id = models.UUIDField(null=True)
    allocation_kind = models.TextField()
    source_batch_id = models.UUIDField(null=True)
    source_expire_at = models.DateTimeField(null=True)
    amount = models.IntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    restored_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "generation_percoin_allocations"
