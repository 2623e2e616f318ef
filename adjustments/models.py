"""What was asked for, by whom, who said what of it, and what became of it.

A request's content never changes under a decision: an edit is a new revision with new lines, and what was decided is
neither edited nor deleted. The triggers in migrations/0002_guards.sql hold this for every path to the tables.
"""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Func, Q, Value
from django.urls import reverse

from adjustments.states import CLOSED_UNAPPLIED, LIVE, OPEN, Outcome, State, Verdict
from systems.base import Line

DECISIVE = [Verdict.APPROVE, Verdict.REJECT]


class AdjustmentQuerySet(models.QuerySet):
    def pending(self) -> "AdjustmentQuerySet":
        return self.filter(state=State.PENDING)

    def open(self) -> "AdjustmentQuerySet":
        return self.filter(state__in=OPEN)

    def live(self) -> "AdjustmentQuerySet":
        """What stands in the way of a second request for the same thing."""
        return self.filter(state__in=LIVE, reversed_at=None)

    def for_system(self, slug: str) -> "AdjustmentQuerySet":
        return self.filter(system=slug)

    def about(self, system: str, kind: str, subject: str) -> "AdjustmentQuerySet":
        lines = AdjustmentLine.objects.filter(adjustment=models.OuterRef("pk"), subject=subject)
        own = Q(system=system, subject_kind=kind)
        return self.filter(own & (Q(subject=subject) | models.Exists(lines)))

    def answering(self, anomaly: Any) -> "AdjustmentQuerySet":
        """All of it, or a line of it, asks for what would put the anomaly right."""
        return self.filter(pk__in=AdjustmentLine.objects.filter(anomaly=anomaly).values("adjustment"))

    def decidable_by(self, person: Any) -> "AdjustmentQuerySet":
        """Pending requests in which the person had no hand and has not spoken yet."""
        mine = Q(pk__in=Contributor.objects.filter(person=person).values("adjustment"))
        spoken = Decision.objects.filter(
            adjustment=models.OuterRef("pk"), revision=models.OuterRef("revision"), person=person, verdict__in=DECISIVE
        )
        return self.pending().exclude(proposed_by=person).exclude(mine).exclude(models.Exists(spoken))

    def overdue_for_approval(self, now: datetime) -> "AdjustmentQuerySet":
        return self.pending().filter(approve_by__lte=now)

    def newest_first(self) -> "AdjustmentQuerySet":
        return self.order_by("-number")

    def oldest_first(self) -> "AdjustmentQuerySet":
        return self.order_by("number")


class Adjustment(models.Model):
    """A request to put something right, and its life. ``content`` is what is signed (content.py)."""

    site_privileges = ("SELECT", "INSERT", "UPDATE")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.BigIntegerField(
        unique=True, editable=False, db_default=Func(Value("adjustments_number"), function="nextval")
    )
    system = models.TextField()
    correction = models.TextField()
    anomaly = models.ForeignKey(
        "anomalies.Anomaly", null=True, blank=True, on_delete=models.PROTECT, related_name="adjustments"
    )
    # Of a request about one thing; one about many says so line by line, and here nothing.
    fingerprint = models.TextField(blank=True, default="")
    occurrence = models.IntegerField(default=1)
    subject_kind = models.TextField()
    subject = models.TextField(blank=True, default="")
    state = models.TextField(choices=State.choices, default=State.PENDING)
    revision = models.IntegerField(default=1)
    attempt = models.IntegerField(default=0)  # how often it came to need attention: two people speak of one attempt
    reason = models.TextField()
    amount = models.BigIntegerField()  # of all lines together
    unit = models.TextField()
    content = models.TextField()
    content_hash = models.TextField()
    policy_version = models.TextField()
    approvals_needed = models.SmallIntegerField()
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    approve_by = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    apply_by = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)  # rejected, withdrawn, expired or cancelled
    tried_at = models.DateTimeField(null=True)
    error_count = models.IntegerField(default=0)  # how often the worker met an error it does not know
    obstacle = models.TextField(blank=True, default="")  # what keeps an approved request from being applied
    reversed_at = models.DateTimeField(null=True)  # its reversal was applied: it may be asked for again
    reverses = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="reversals")
    correlation_id = models.TextField(blank=True, default="")

    objects = AdjustmentQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="adjustment_state_is_known"),
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="adjustment_says_why"),
            models.CheckConstraint(
                condition=Q(revision__gte=1, attempt__gte=0, approvals_needed__gte=1), name="adjustment_counts"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[State.APPROVED, State.APPLIED, State.NEEDS_ATTENTION, State.CANCELLED])
                | Q(approved_at__isnull=False, apply_by__isnull=False),
                name="adjustment_approved_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(state=State.APPLIED, applied_at__isnull=False)
                | (~Q(state=State.APPLIED) & Q(applied_at__isnull=True)),
                name="adjustment_applied_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(CLOSED_UNAPPLIED), closed_at__isnull=False)
                | (~Q(state__in=sorted(CLOSED_UNAPPLIED)) & Q(closed_at__isnull=True)),
                name="adjustment_closed_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.NEEDS_ATTENTION) | Q(obstacle__regex=r"\S"),
                name="adjustment_attention_says_why",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "number"], name="adjustment_by_state"),  # the list's tabs
            models.Index(fields=["system", "subject_kind", "subject"], name="adjustment_by_subject"),  # timelines
            models.Index(fields=["state", "proposed_at"], name="adjustment_by_age"),  # the board's oldest
            models.Index(fields=["system", "approved_at"], name="adjustment_by_approval"),  # the caps of the day
        ]

    def __str__(self) -> str:
        return f"#{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("adjustments:adjustment", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_pending(self) -> bool:
        return self.state == State.PENDING

    def current_lines(self) -> "models.QuerySet[AdjustmentLine]":
        return self.lines.filter(revision=self.revision).order_by("number")


class AdjustmentLine(models.Model):
    """What is posted about one subject, under its own key. An edit makes new lines; these stay as they were.

    ``correction``, ``live`` and ``reversed_at`` are kept by the triggers of migrations/0007_lines.sql. While a line is
    live, no other may ask for the same correction of the same fingerprint and occurrence.
    """

    site_privileges = ("SELECT", "INSERT", "UPDATE (outcome, receipt, posted_at, obstacle, found)")

    adjustment = models.ForeignKey(Adjustment, on_delete=models.PROTECT, related_name="lines")
    revision = models.IntegerField()
    number = models.IntegerField()
    key = models.UUIDField(unique=True, default=uuid.uuid4)
    subject = models.TextField()
    amount = models.BigIntegerField()  # signed: into the wallet is positive
    unit = models.TextField()
    particulars = models.JSONField()
    evidence = models.JSONField()
    customer = models.TextField(blank=True, default="")  # whose money it is: the source's own id
    anomaly = models.ForeignKey(
        "anomalies.Anomaly", null=True, on_delete=models.PROTECT, related_name="adjustment_lines"
    )
    fingerprint = models.TextField(default="")
    occurrence = models.IntegerField(default=1)
    correction = models.TextField(default="", editable=False)  # the request's
    reverses = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="reversals")
    outcome = models.TextField(choices=Outcome.choices, default=Outcome.WAITING)
    receipt = models.JSONField(null=True)
    posted_at = models.DateTimeField(null=True)
    obstacle = models.TextField(blank=True, default="")  # why it was refused
    found = models.JSONField(null=True)  # the evidence as it was when it was refused, if that had moved
    live = models.BooleanField(default=True, editable=False)
    reversed_at = models.DateTimeField(null=True, editable=False)  # a reversal of it was posted

    class Meta:
        ordering = ["adjustment", "revision", "number"]
        constraints = [
            models.UniqueConstraint(fields=["adjustment", "revision", "number"], name="line_number_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="line_moves_something"),
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="line_outcome_is_known"),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.POSTED, receipt__isnull=False, posted_at__isnull=False)
                | (~Q(outcome=Outcome.POSTED) & Q(receipt__isnull=True, posted_at__isnull=True)),
                name="line_posted_has_its_receipt",
            ),
            models.CheckConstraint(
                condition=~Q(outcome=Outcome.REFUSED) | Q(obstacle__regex=r"\S"), name="line_refused_says_why"
            ),
            models.UniqueConstraint(
                fields=["fingerprint", "occurrence", "correction"], condition=Q(live=True), name="line_asked_for_once"
            ),
            models.UniqueConstraint(
                fields=["reverses"],
                condition=Q(live=True) | Q(reversed_at__isnull=False),
                name="line_reversed_once",
            ),
        ]
        indexes = [
            models.Index(fields=["subject"], name="line_by_subject"),
            models.Index(fields=["adjustment", "outcome"], name="line_by_outcome"),  # what is left to do, and counts
            models.Index(fields=["customer"], name="line_by_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.amount} {self.unit}"

    def as_line(self) -> Line:
        return Line(subject=self.subject, amount=self.amount, unit=self.unit, particulars=self.particulars)


def outcomes_of(adjustment: Adjustment) -> dict[str, int]:
    """How many lines of the revision there is came to what."""
    counted = adjustment.current_lines().order_by().values_list("outcome").annotate(models.Count("pk"))
    return dict(counted)


class Revision(models.Model):
    """The content as it stood, and who made it so. The database makes its author a contributor."""

    site_privileges = ("SELECT", "INSERT")

    adjustment = models.ForeignKey(Adjustment, on_delete=models.PROTECT, related_name="revisions")
    number = models.IntegerField()
    content = models.TextField()
    content_hash = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["adjustment", "number"]
        constraints = [models.UniqueConstraint(fields=["adjustment", "number"], name="revision_once")]

    def __str__(self) -> str:
        return f"{self.adjustment_id} r{self.number}"


class Contributor(models.Model):
    """Who had a hand in the content, and so may not decide it. Written by a trigger, never by the site."""

    site_privileges = ("SELECT",)

    adjustment = models.ForeignKey(Adjustment, on_delete=models.PROTECT, related_name="contributors")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["adjustment", "person"], name="contributor_once")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.adjustment_id}"


class Decision(models.Model):
    """What one person said of one revision, bound to what they saw."""

    site_privileges = ("SELECT", "INSERT")

    adjustment = models.ForeignKey(Adjustment, on_delete=models.PROTECT, related_name="decisions")
    revision = models.IntegerField()
    attempt = models.IntegerField(default=0)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    verdict = models.TextField(choices=Verdict.choices)
    content_hash = models.TextField()
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["adjustment", "revision", "person"],
                condition=Q(verdict__in=DECISIVE),
                name="decision_once_per_person",
            ),
            models.UniqueConstraint(
                fields=["adjustment", "revision", "attempt", "verdict", "person"],
                condition=~Q(verdict__in=DECISIVE),
                name="decision_asked_once_per_person",
            ),
            models.CheckConstraint(condition=Q(verdict__in=Verdict.values), name="decision_is_known"),
            models.CheckConstraint(
                condition=Q(verdict=Verdict.APPROVE) | Q(reason__regex=r"\S"), name="decision_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.verdict}"


class Preview(models.Model):
    """What would happen, asked of the worker: it alone can try, in a transaction that it rolls back."""

    class Stage(models.TextChoices):
        ASKED = "asked", "asked"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    adjustment = models.ForeignKey(Adjustment, on_delete=models.PROTECT, related_name="previews")
    revision = models.IntegerField()
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    stage = models.TextField(choices=Stage.choices, default=Stage.ASKED)
    answer = models.JSONField(default=dict)
    why = models.TextField(blank=True, default="")  # why there is no answer

    class Meta:
        ordering = ["-asked_at"]
        indexes = [models.Index(fields=["adjustment", "revision", "-asked_at"], name="preview_latest")]

    def __str__(self) -> str:
        return f"{self.adjustment_id} r{self.revision} {self.stage}"


# Other subjects of this engine have packages of their own.
from adjustments.elsewhere.models import CarriedOut, RemoteCall  # noqa: E402, F401
from adjustments.freezes.models import Freeze, Thaw  # noqa: E402, F401
from adjustments.policies.models import PolicyChange, PolicyEffect, PolicyRule  # noqa: E402, F401
from adjustments.reconciliation.models import Discrepancy, Reconciliation  # noqa: E402, F401
from adjustments.switches.models import Flip, Review, Sight  # noqa: E402, F401
