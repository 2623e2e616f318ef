"""What happened, who did it and why: ``admin_audit_log``, which only grows; who verified it, and who read it.

The table, its checks and its triggers are made in migrations/0001_admin_audit_log.sql. Rows are written by
``audit.log.record`` and by nothing else; the site's role may read the table and call its append function, no more.
"""

from django.db import models


class EntryQuerySet(models.QuerySet):
    def about(self, target_type: str, target_id: str) -> "EntryQuerySet":
        return self.filter(target_type=target_type, target_id=str(target_id))

    def newest_first(self) -> "EntryQuerySet":
        return self.order_by("-position")


class Entry(models.Model):
    """One entry. An actor is an id and a text, not a foreign key: an entry outlives whom it names."""

    site_privileges = ("SELECT",)  # rows are added by admin_audit_log_append() alone

    position = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor_id = models.TextField()
    actor = models.TextField()
    action_type = models.TextField()
    target_type = models.TextField()
    target_id = models.TextField()
    outcome = models.TextField()
    reason = models.TextField()
    job_id = models.TextField()
    tx_id = models.TextField()
    system = models.TextField()
    correlation_id = models.TextField()
    metadata = models.JSONField()
    canonical = models.TextField()
    previous_hash = models.TextField(unique=True)
    hash = models.TextField()

    objects = EntryQuerySet.as_manager()

    class Meta:
        db_table = "admin_audit_log"
        ordering = ["-position"]

    def __str__(self) -> str:
        return f"{self.position} {self.action_type}"


class Verification(models.Model):
    """One examination of the log and its verdict: what the health pages tell without looking themselves."""

    site_privileges = ("SELECT", "INSERT")

    at = models.DateTimeField()
    by = models.TextField()  # the job, or the person
    in_database = models.BooleanField()
    milliseconds = models.IntegerField()
    verdict = models.TextField()
    finding = models.JSONField()

    class Meta:
        db_table = "audit_verification"
        indexes = [models.Index(fields=["-at"], name="audit_verification_newest")]
        get_latest_by = ("at", "id")


class Reading(models.Model):
    """Somebody looked into the log. Not in the chain itself, which would hold up whoever decides about money: a job
    seals what was read meanwhile with one entry, whose position is ``sealed_by``."""

    site_privileges = ("SELECT", "INSERT", "UPDATE (sealed_by)")

    at = models.DateTimeField()
    actor_id = models.TextField()
    actor = models.TextField()
    what = models.TextField()  # search, entry, export
    asked = models.JSONField(default=dict)
    correlation_id = models.TextField()
    sealed_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "audit_reading"
        indexes = [
            models.Index(fields=["id"], condition=models.Q(sealed_by=None), name="audit_reading_unsealed"),
        ]
