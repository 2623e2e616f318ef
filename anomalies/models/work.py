"""What happened to an anomaly: observations, notes, runbook steps done."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from anomalies.models.anomaly import Anomaly
from anomalies.models.runs import DetectionRun
from anomalies.models.states import Presence
from systems.base import Verdict


class CheckEvent(models.TextChoices):
    FOUND = "found", _("found")
    CHANGED = "changed", _("the facts changed")
    ABSENT = "absent", _("checked and absent")
    SUBJECT_GONE = "subject_gone", _("the subject is gone")
    NOT_CHECKABLE = "not_checkable", _("could not be checked")
    SEEN_AGAIN = "seen_again", _("could be checked again")
    RETURNED = "returned", _("came back")
    REOPENED = "reopened", _("reopened: the facts changed")
    WOKEN = "woken", _("the snooze is over")


class Check(models.Model):
    """What a check saw, kept when it differs from what the one before it saw.

    Sources hold the present only. This is what they held, and so how a thing came about.
    """

    site_privileges = ("SELECT", "INSERT")  # an observation is never edited

    id = models.BigAutoField(primary_key=True)
    anomaly = models.ForeignKey(Anomaly, models.PROTECT, related_name="checks")
    run = models.ForeignKey(DetectionRun, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    event = models.CharField(max_length=13, choices=CheckEvent)
    presence = models.CharField(max_length=13, choices=Presence)
    verdict = models.CharField(max_length=12, choices=Verdict)
    facts = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(name="check_event_is_known", condition=Q(event__in=CheckEvent.values)),
            models.CheckConstraint(name="check_presence_is_known", condition=Q(presence__in=Presence.values)),
            models.CheckConstraint(name="check_verdict_is_known", condition=Q(verdict__in=Verdict.values)),
        ]
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.anomaly_id} {self.event}"


class Note(models.Model):
    site_privileges = ("SELECT", "INSERT")  # what was said stays said

    id = models.BigAutoField(primary_key=True)
    anomaly = models.ForeignKey(Anomaly, models.PROTECT, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        constraints = [models.CheckConstraint(name="note_says_something", condition=~Q(text__regex=r"^\s*$"))]
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.text


class StepTick(models.Model):
    """A runbook step done for one occurrence of an anomaly. Coming back starts the steps anew."""

    id = models.BigAutoField(primary_key=True)
    anomaly = models.ForeignKey(Anomaly, models.PROTECT, related_name="ticks")
    occurrence = models.PositiveIntegerField()
    step = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="step_is_ticked_once", fields=["anomaly", "occurrence", "step"]),
        ]

    def __str__(self) -> str:
        return self.step
