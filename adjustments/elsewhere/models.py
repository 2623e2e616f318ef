"""What is known of a line that is carried out elsewhere. The triggers beside the migration hold it for every path."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class CallState(models.TextChoices):
    """What is known of a call. From ``intended`` on, until the other side was asked, nothing is."""

    INTENDED = "intended", _("being sent")
    UNKNOWN = "unknown", _("outcome unknown")  # no answer that counts, and the other side cannot be asked
    UNSENT = "unsent", _("not there")  # the other side was asked and has nothing: it may be sent again
    DONE = "done", _("done")
    REFUSED = "refused", _("refused")
    VOID = "void", _("void")  # it will never be sent


ENDED = frozenset({CallState.DONE, CallState.REFUSED, CallState.VOID})


class RemoteCall(models.Model):
    """The intent to call, committed before anything leaves, and what became of it. Its key is the line's."""

    site_privileges = ("SELECT", "INSERT", "UPDATE (state, send_count, intended_at, asked_at, error)")

    line = models.OneToOneField("adjustments.AdjustmentLine", on_delete=models.PROTECT, related_name="call")
    content_hash = models.TextField()
    state = models.TextField(choices=CallState.choices, default=CallState.INTENDED)
    send_count = models.IntegerField(default=1)
    first_intended_at = models.DateTimeField()
    intended_at = models.DateTimeField()  # of the last sending
    asked_at = models.DateTimeField(null=True)  # when the other side was last read back
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=CallState.values), name="call_state_is_known"),
            models.CheckConstraint(
                condition=Q(send_count__gte=1) | Q(send_count=0, state=CallState.VOID), name="call_counts_its_sendings"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line_id} {self.state}"


class CarriedOut(models.Model):
    """The evidence that a person did elsewhere what was approved here: who, when, and where it can be looked up."""

    site_privileges = ("SELECT", "INSERT")

    line = models.OneToOneField("adjustments.AdjustmentLine", on_delete=models.PROTECT, related_name="carried_out")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reference = models.TextField()
    done_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(reference__regex=r"\S"), name="carried_out_names_its_evidence"),
            models.CheckConstraint(
                condition=Q(done_at__lte=models.F("recorded_at")), name="carried_out_before_it_was_recorded"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line_id} {self.reference}"
