"""What is held back from being posted, and the askings to let it go on. migrations/*_freezes.sql guards them.

Where a column of the scope is empty the freeze holds whatever stands there: an empty scope holds everything.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a freeze holds: the lines to which all of this applies."""

    system: str = ""
    correction: str = ""
    customer: str = ""
    from_amount: int | None = None  # a line's, or its whole request's, without the sign
    unit: str = ""


class FreezeQuerySet(models.QuerySet):
    def active(self) -> "FreezeQuerySet":
        return self.filter(lifted_at=None)

    def lifted(self) -> "FreezeQuerySet":
        return self.exclude(lifted_at=None)

    def newest_first(self) -> "FreezeQuerySet":
        return self.order_by("-frozen_at", "-pk")

    def touching(self, system: str) -> "FreezeQuerySet":
        """Those that can hold something of this system."""
        return self.filter(system__in=("", system))


class Freeze(models.Model):
    """One person holds something back at once; it takes two others' asking and confirming (Thaw) to lift it."""

    site_privileges = ("SELECT", "INSERT")

    system = models.TextField(blank=True, default="")
    correction = models.TextField(blank=True, default="")
    customer = models.TextField(blank=True, default="")
    from_amount = models.BigIntegerField(null=True)
    unit = models.TextField(blank=True, default="")
    reason = models.TextField()
    frozen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    frozen_at = models.DateTimeField()
    # When no posting was under way any more, by the database's clock: it sets this, whatever is written here.
    holds_from = models.DateTimeField(null=True, editable=False)
    lifted_at = models.DateTimeField(null=True, editable=False)  # set by the database when a thaw is confirmed

    objects = FreezeQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="freeze_says_why"),
            models.CheckConstraint(condition=Q(correction="") | ~Q(system=""), name="freeze_correction_has_its_system"),
            models.CheckConstraint(
                condition=Q(from_amount=None, unit="") | (Q(from_amount__gt=0) & ~Q(unit="")),
                name="freeze_amount_has_its_unit",
            ),
            models.UniqueConstraint(
                fields=["system", "correction", "customer", "from_amount", "unit"],
                condition=Q(lifted_at=None),
                nulls_distinct=False,
                name="freeze_once",
            ),
        ]

    def __str__(self) -> str:
        return f"freeze {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("freezes:freeze", args=[self.pk])

    @property
    def is_active(self) -> bool:
        return self.lifted_at is None

    @property
    def state(self) -> str:
        return "frozen" if self.is_active else "lifted"

    @property
    def scope(self) -> Scope:
        columns = ("system", "correction", "customer", "from_amount", "unit")
        return Scope(**{name: getattr(self, name) for name in columns})


class ThawState(models.TextChoices):
    PENDING = "pending", _("waits for a second person")
    CONFIRMED = "confirmed", _("confirmed")
    REFUSED = "refused", _("refused")
    WITHDRAWN = "withdrawn", _("withdrawn")


class ThawQuerySet(models.QuerySet):
    def pending(self) -> "ThawQuerySet":
        return self.filter(state=ThawState.PENDING)


class Thaw(models.Model):
    """Somebody asks to lift a freeze; it is lifted in the very transaction in which another confirms."""

    site_privileges = ("SELECT", "INSERT", "UPDATE (state, decided_by_id, decided_at, note)")

    freeze = models.ForeignKey(Freeze, on_delete=models.PROTECT, related_name="thaws")
    reason = models.TextField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    state = models.TextField(choices=ThawState.choices, default=ThawState.PENDING)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True, default="")

    objects = ThawQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["freeze"], condition=Q(state="pending"), name="thaw_asked_once"),
            models.CheckConstraint(condition=Q(state__in=ThawState.values), name="thaw_state_is_known"),
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="thaw_says_why"),
            models.CheckConstraint(
                condition=Q(state="pending", decided_by=None, decided_at=None)
                | (~Q(state="pending") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="thaw_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state="confirmed") | ~Q(decided_by=F("asked_by")), name="thaw_takes_two"
            ),
        ]

    def __str__(self) -> str:
        return f"thaw {self.pk} of {self.freeze_id}: {self.state}"
