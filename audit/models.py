"""What happened, who did it and why: ``admin_audit_log``, which only grows.

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
