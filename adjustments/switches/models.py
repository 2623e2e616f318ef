"""Flips of switches, what others said of them, and what was last read back. migrations/*_switches.sql guards them."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class FlipState(models.TextChoices):
    ASKED = "asked", _("waits for the worker")
    UNDER_WAY = "under_way", _("under way")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")  # the value is not what was asked for, and we know it
    UNKNOWN = "unknown", _("outcome unknown")  # nothing is tried before it is read back
    LEFT = "left", _("left as it was")  # somebody had set another value meanwhile


AT_WORK = frozenset({FlipState.ASKED, FlipState.UNDER_WAY})
UNCHANGED = frozenset({FlipState.FAILED, FlipState.LEFT})  # nothing to review


class FlipQuerySet(models.QuerySet):
    def of(self, system: str, switch: str) -> "FlipQuerySet":
        return self.filter(system=system, switch=switch)

    def done(self) -> "FlipQuerySet":
        return self.filter(state=FlipState.DONE)

    def at_work(self) -> "FlipQuerySet":
        return self.filter(state__in=AT_WORK)

    def to_review(self) -> "FlipQuerySet":
        """What a second person has still to look at."""
        return self.exclude(review_by=None).exclude(state__in=UNCHANGED).filter(review=None)

    def newest_first(self) -> "FlipQuerySet":
        return self.order_by("-pk")

    def telling(self, system: str) -> "FlipQuerySet":
        """Of each switch of the system the latest, the latest that was done, and what is to be reviewed."""
        every = self.filter(system=system)
        latest = every.order_by("switch", "-pk").distinct("switch")
        wanted = Q(pk__in=latest.values("pk")) | Q(pk__in=latest.done().values("pk"))
        wanted |= Q(pk__in=every.to_review().values("pk"))
        return every.filter(wanted).newest_first().select_related("flipped_by", "review__reviewer")


class Flip(models.Model):
    """One turning of a switch: by a person, or back by itself at its ``until`` (then nobody is ``flipped_by``)."""

    site_privileges = ("SELECT", "INSERT", "UPDATE (state, before_value, effective_value, why, started_at, ended_at)")

    system = models.TextField()
    switch = models.TextField()
    value = models.TextField()  # what was asked for
    reason = models.TextField()
    until = models.DateTimeField(null=True)
    flipped_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    returns = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="returned_by")
    asked_at = models.DateTimeField()
    review_by = models.DateTimeField(null=True, editable=False)  # set by the database
    state = models.TextField(choices=FlipState.choices, default=FlipState.ASKED)
    before_value = models.TextField(null=True)
    effective_value = models.TextField(null=True)
    why = models.TextField(blank=True, default="")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = FlipQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=FlipState.values), name="flip_state_is_known"),
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="flip_says_why"),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gt=models.F("asked_at")), name="flip_until_is_later"
            ),
            models.CheckConstraint(
                condition=Q(flipped_by__isnull=False) | Q(returns__isnull=False), name="flip_is_somebodys"
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(effective_value__isnull=False), name="flip_done_was_read_back"
            ),
            models.UniqueConstraint(
                fields=["system", "switch"], condition=Q(state__in=sorted(AT_WORK)), name="flip_one_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["system", "switch", "-id"], name="flip_latest")]

    def __str__(self) -> str:
        return f"{self.system}:{self.switch} → {self.value}"

    def get_absolute_url(self) -> str:
        return reverse("switches:switch", args=[self.system, self.switch])

    @property
    def is_at_work(self) -> bool:
        return self.state in AT_WORK

    @property
    def needs_review(self) -> bool:
        return self.review_by is not None and self.state not in UNCHANGED and not hasattr(self, "review")

    def is_overdue(self, now: datetime) -> bool:
        """For what ``to_review`` gives: whether the day in which to review it has passed."""
        return self.review_by is not None and self.review_by <= now


class Opinion(models.TextChoices):
    CONFIRM = "confirm", _("confirmed")
    OBJECT = "object", _("objected")


class Review(models.Model):
    """What a second person says of a flip, once."""

    site_privileges = ("SELECT", "INSERT")

    flip = models.OneToOneField(Flip, on_delete=models.PROTECT, related_name="review")
    opinion = models.TextField(choices=Opinion.choices)
    note = models.TextField(blank=True, default="")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(opinion__in=Opinion.values), name="review_opinion_is_known"),
            models.CheckConstraint(condition=Q(opinion="confirm") | Q(note__regex=r"\S"), name="review_objects_why"),
        ]

    def __str__(self) -> str:
        return f"{self.flip_id} {self.opinion}"


class Sight(models.Model):
    """What was last read back of a switch whose value is kept out there; null where it could not be told, and why."""

    system = models.TextField()
    switch = models.TextField()
    value = models.TextField(null=True)
    why = models.TextField(blank=True, default="")
    looked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "switch"], name="sight_is_the_last")]

    def __str__(self) -> str:
        return f"{self.system}:{self.switch} reads {self.value}"
