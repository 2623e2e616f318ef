"""What a reconciliation compared, and what it found that does not agree."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """Each is a sentence about one key."""

    KEY_WITHOUT_REQUEST = "key_without_request", _("The ledger has a key that no request here has.")
    LINE_WITHOUT_KEY = "line_without_key", _("It counts as done here, and the ledger has no key for it.")
    CONTENT_DIFFERS = "content_differs", _("The ledger's key is for another content than was signed here.")
    OUTCOME_DIFFERS = "outcome_differs", _("The ledger and the console disagree on whether it was posted.")
    RECEIPT_DIFFERS = "receipt_differs", _("The receipt beside the ledger's key is not the one kept here.")
    NOT_NOTED = "not_noted", _("The ledger has it, and the console has not noted it.")
    APPROVED_WITHOUT_ROW = "approved_without_row", _("It was approved a while ago, and the ledger has nothing of it.")
    ROW_GONE = "row_gone", _("The ledger row that the receipt names is gone.")
    ROW_DIFFERS = "row_differs", _("The ledger row that the receipt names has another amount.")


class Answer(models.TextChoices):
    DONE = "done", _("done")
    CANNOT_TELL = "cannot_tell", _("cannot tell")


class ReconciliationQuerySet(models.QuerySet):
    def of(self, system: str) -> "ReconciliationQuerySet":
        return self.filter(system=system)

    def newest_first(self) -> "ReconciliationQuerySet":
        return self.order_by("-started_at", "-pk")


class Reconciliation(models.Model):
    """One pass over one system: a window, or all there is (no ``since``). Kept whether or not it found anything."""

    system = models.TextField()
    since = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    answer = models.TextField(choices=Answer.choices)
    why = models.TextField(blank=True, default="")  # what could not be asked
    key_count = models.IntegerField(default=0)
    line_count = models.IntegerField(default=0)
    found_count = models.IntegerField(default=0)

    objects = ReconciliationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(answer__in=Answer.values), name="reconciliation_answer_is_known"),
            models.CheckConstraint(
                condition=Q(answer=Answer.DONE) | Q(why__regex=r"\S"), name="reconciliation_says_why_not"
            ),
        ]
        indexes = [models.Index(fields=["system", "-started_at"], name="reconciliation_latest")]

    def __str__(self) -> str:
        return f"{self.system} {self.started_at:%Y-%m-%d %H:%M}"


class DiscrepancyQuerySet(models.QuerySet):
    def open(self) -> "DiscrepancyQuerySet":
        return self.filter(settled_at=None)

    def of(self, system: str) -> "DiscrepancyQuerySet":
        return self.filter(system=system)


class Discrepancy(models.Model):
    """One thing about one key that does not agree: since when it is known, and when it was seen to be right again."""

    site_privileges = ("SELECT", "INSERT", "UPDATE (last_seen_at, settled_at, detail)")

    system = models.TextField()
    kind = models.TextField(choices=Kind.choices)
    key = models.UUIDField()
    adjustment = models.ForeignKey("adjustments.Adjustment", null=True, on_delete=models.PROTECT, related_name="+")
    detail: Any = models.JSONField(default=dict)  # what the ledger has, what the console has
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    objects = DiscrepancyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="discrepancy_kind_is_known"),
            models.UniqueConstraint(
                fields=["system", "key", "kind"], condition=Q(settled_at=None), name="discrepancy_open_once"
            ),
        ]
        indexes = [models.Index(fields=["system", "settled_at"], name="discrepancy_open")]

    def __str__(self) -> str:
        return f"{self.system} {self.key} {self.kind}"
