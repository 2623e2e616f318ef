from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class RunState(models.TextChoices):
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")  # a rule or the source failed; the others' findings are stored


class Trigger(models.TextChoices):
    SCHEDULE = "schedule", _("schedule")
    COMMAND = "command", _("command")
    BUTTON = "button", _("button")


class DetectionRunQuerySet(models.QuerySet):
    def for_system(self, slug: str) -> "DetectionRunQuerySet":
        return self.filter(system=slug)

    def running(self) -> "DetectionRunQuerySet":
        return self.filter(state=RunState.RUNNING)

    def finished(self) -> "DetectionRunQuerySet":
        return self.exclude(state=RunState.RUNNING)

    def done(self) -> "DetectionRunQuerySet":
        return self.filter(state=RunState.DONE)

    def since(self, moment: datetime) -> "DetectionRunQuerySet":
        return self.filter(started_at__gte=moment)

    def newest_first(self) -> "DetectionRunQuerySet":
        return self.order_by("-started_at", "-pk")


class DetectionRun(models.Model):
    """One run of a system's rules. There is a row for every run, found or not: silence is not death."""

    site_privileges = ("SELECT", "INSERT", "UPDATE")

    id = models.BigAutoField(primary_key=True)
    system = models.TextField(_("system"))
    state = models.CharField(_("state"), max_length=7, choices=RunState, default=RunState.RUNNING)
    trigger = models.CharField(_("started by"), max_length=8, choices=Trigger)
    actor_id = models.TextField()
    actor = models.TextField(_("who"))
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True)
    since = models.DateTimeField(_("since"), null=True)  # None: all history
    until = models.DateTimeField(_("until"))
    whole = models.BooleanField(_("whole history"), default=False)
    count = models.PositiveBigIntegerField(_("anomalies"), default=0)
    new = models.PositiveBigIntegerField(_("new"), default=0)
    rechecked = models.PositiveBigIntegerField(_("checked again"), default=0)
    cleared = models.PositiveBigIntegerField(_("cleared"), default=0)
    results = models.JSONField(_("by rule"), default=dict)  # rule -> counts, window, seconds, error
    standing = models.JSONField(_("open afterwards"), default=dict)  # open, at_risk by unit: what the charts draw
    error = models.TextField(_("error"), default="")

    objects = DetectionRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="run_state_is_known", condition=Q(state__in=RunState.values)),
            models.CheckConstraint(name="run_trigger_is_known", condition=Q(trigger__in=Trigger.values)),
            models.CheckConstraint(
                name="run_finished_means_when",
                condition=Q(state=RunState.RUNNING, finished_at=None)
                | ~Q(state=RunState.RUNNING) & Q(finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="run_failed_means_why",
                condition=~Q(state=RunState.FAILED) | ~Q(error=""),
            ),
        ]
        # Used by the health page (the newest run) and the charts (those since a day).
        indexes = [models.Index(name="run_by_system", fields=["system", "started_at"])]

    def __str__(self) -> str:
        return f"{self.system} {self.pk}"


class RuleMark(models.Model):
    """Up to when a rule has judged everything: its next window starts there, less the system's overlap."""

    site_privileges = ("SELECT", "INSERT", "UPDATE")

    id = models.BigAutoField(primary_key=True)
    system = models.TextField()
    rule = models.TextField()
    reached = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="rule_has_one_mark", fields=["system", "rule"])]

    def __str__(self) -> str:
        return f"{self.system}:{self.rule}"
