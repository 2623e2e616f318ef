from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from systems.base import Level


class ReadingQuerySet(models.QuerySet):
    def of(self, system: str, probe: str) -> "ReadingQuerySet":
        return self.filter(system=system, probe=probe)

    def newest_first(self) -> "ReadingQuerySet":
        return self.order_by("-measured_at", "-pk")


class Reading(models.Model):
    """What one probe of one system saw at one moment. Kept as it was written; old ones are dropped by a job."""

    system = models.CharField(max_length=50)
    probe = models.CharField(max_length=100)
    level = models.CharField(max_length=10, choices=Level)
    value = models.BigIntegerField(null=True)
    unit = models.CharField(max_length=50)
    why = models.TextField()
    detail = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    measured_at = models.DateTimeField()

    objects = ReadingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(level__in=Level.values), name="reading_level_is_known"),
            # What could not be measured must not look like a number, nor a number like nothing.
            models.CheckConstraint(
                condition=Q(level=Level.UNKNOWN, value=None) | (~Q(level=Level.UNKNOWN) & Q(value__isnull=False)),
                name="reading_has_a_value_unless_unknown",
            ),
            models.CheckConstraint(condition=~Q(why=""), name="reading_says_why"),
        ]
        indexes = [
            # The boards ask for the latest of each probe; charts read values by time without touching the rows.
            models.Index(
                fields=["system", "probe", "-measured_at"], include=["value", "level"], name="reading_latest_of_probe"
            ),
            # The job that drops old readings goes by age.
            models.Index(fields=["measured_at"], name="reading_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.system} {self.probe} {self.level}"
