from django.contrib.postgres.indexes import HashIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class LogLineQuerySet(models.QuerySet):
    def about(self, slug: str, subject: str) -> "LogLineQuerySet":
        """Lines that name the subject, and those of the same requests that do not."""
        named = self.filter(system=slug, subject=subject)
        requests = named.exclude(request_id="").values("request_id")
        return self.filter(system=slug).filter(Q(subject=subject) | Q(subject="", request_id__in=requests))


class LogLine(models.Model):
    """One line of a system's own logs, brought in by import_logs."""

    site_privileges = ("SELECT", "INSERT")

    id = models.BigAutoField(primary_key=True)
    system = models.TextField()
    subject = models.TextField(default="")
    request_id = models.TextField(default="")
    at = models.DateTimeField(_("at"))
    source = models.TextField(_("log"))
    level = models.TextField(_("level"))
    message = models.TextField(_("message"))
    digest = models.TextField()  # of the whole line: the same line is kept once, however often it is imported

    objects = LogLineQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(name="log_line_is_kept_once", fields=["system", "digest"])]
        # Used by the timeline. Hashes, because a log may hold anything where an id should be.
        indexes = [
            HashIndex(name="log_line_by_subject", fields=["subject"], condition=~Q(subject="")),
            HashIndex(name="log_line_by_request", fields=["request_id"], condition=~Q(request_id="")),
        ]
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.message
