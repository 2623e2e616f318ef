from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class RunState(models.TextChoices):
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    SKIPPED = "skipped", _("skipped")  # another slot was still running, or it was too late to make up for


# What whoever holds the job's lock may take up: a running row was left by a process that died.
UNFINISHED = {RunState.RUNNING, RunState.SKIPPED}


class JobRunQuerySet(models.QuerySet):
    def of(self, name: str) -> "JobRunQuerySet":
        return self.filter(name=name)

    def running(self) -> "JobRunQuerySet":
        return self.filter(state=RunState.RUNNING)

    def failed(self) -> "JobRunQuerySet":
        return self.filter(state=RunState.FAILED)

    def newest_first(self) -> "JobRunQuerySet":
        return self.order_by("-slot")


class JobRun(models.Model):
    """One slot of one job, and what became of it."""

    name = models.CharField(max_length=100)
    slot = models.DateTimeField()
    state = models.CharField(max_length=10, choices=RunState, default=RunState.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.TextField(default="")
    error = models.TextField(default="")
    runner = models.CharField(max_length=200)  # who fired it: a worker, cron, a person; with machine and process
    attempt_count = models.PositiveIntegerField(default=1)

    objects = JobRunQuerySet.as_manager()

    class Meta:
        constraints = [
            # However many schedulers fire a slot, it has one row, and so one run.
            models.UniqueConstraint(fields=["name", "slot"], name="job_run_once_per_slot"),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="job_run_state_is_known"),
            models.CheckConstraint(
                condition=Q(state=RunState.RUNNING, finished_at=None)
                | (~Q(state=RunState.RUNNING) & Q(finished_at__isnull=False)),
                name="job_run_ends_when_it_is_over",
            ),
            models.CheckConstraint(
                condition=~Q(state=RunState.FAILED) | ~Q(error=""), name="job_run_failure_has_a_reason"
            ),
        ]
        indexes = [
            # jobs.tidying drops old runs by age.
            models.Index(fields=["started_at"], name="job_run_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.slot:%Y-%m-%d %H:%M}"

    @property
    def duration(self) -> timedelta | None:
        """How long it ran; None while it runs, and when it did not."""
        ran = self.finished_at and self.state != RunState.SKIPPED
        return self.finished_at - self.started_at if ran else None

    @property
    def sentence(self) -> str:
        return self.error or self.outcome


class LetterState(models.TextChoices):
    WRITTEN = "written", _("not sent yet")
    SENT = "sent", _("sent")  # a mail server took it
    FAILED = "failed", _("failed")  # it was refused for good, or too often
    KEPT = "kept", _("not sent: no mail server")


class LetterQuerySet(models.QuerySet):
    def written(self) -> "LetterQuerySet":
        return self.filter(state=LetterState.WRITTEN)

    def failed(self) -> "LetterQuerySet":
        return self.filter(state=LetterState.FAILED)

    def due(self, now: datetime) -> "LetterQuerySet":
        return self.written().filter(due_at__lte=now).order_by("due_at", "pk")

    def about(self, system: str) -> "LetterQuerySet":
        return self.filter(system=system) if system else self


class Letter(models.Model):
    """A mail to one person, written in the transaction of what it tells. It is sent afterwards: jobs/letters.py."""

    key = models.TextField()  # of what happened: nothing is told to anybody twice
    to = models.EmailField(max_length=254)
    subject = models.TextField()
    body = models.TextField()
    footer = models.TextField(default="")  # what was added when it was first to be sent
    language = models.CharField(max_length=10, default="")
    system = models.TextField(default="")  # which billing system it is about, if any
    message_id = models.TextField(unique=True)
    state = models.CharField(max_length=10, choices=LetterState, default=LetterState.WRITTEN)
    written_at = models.DateTimeField()
    due_at = models.DateTimeField()  # when it is (next) to be tried
    attempt_count = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(default="")  # what kept it from being sent the last time

    objects = LetterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "to"], name="letter_once"),
            models.CheckConstraint(condition=Q(state__in=LetterState.values), name="letter_state_is_known"),
            models.CheckConstraint(
                condition=Q(state=LetterState.SENT, sent_at__isnull=False)
                | (~Q(state=LetterState.SENT) & Q(sent_at=None)),
                name="letter_sent_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=LetterState.FAILED) | ~Q(error=""), name="letter_failure_has_a_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="letter_due"),  # what a pass takes up
            models.Index(fields=["written_at"], name="letter_by_age"),  # the list, and tidying
        ]

    def __str__(self) -> str:
        return f"{self.subject} → {self.to}"

    def get_absolute_url(self) -> str:
        return reverse("jobs:letter", args=[self.pk])

    @property
    def text(self) -> str:
        return "\n\n".join(part for part in (self.body.rstrip(), self.footer.rstrip()) if part) + "\n"
