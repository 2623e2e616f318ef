"""What runs by itself: switches flip back when their time has passed, and are read back."""

from django.utils.translation import gettext_lazy as _

from adjustments.switches.flipping import return_due
from adjustments.switches.looking import ask
from jobs.registry import Job

JOBS = (
    Job("switches_return", "* * * * *", return_due, _("Flip back the switches whose “until” has passed.")),
    Job("switches_look", "*/5 * * * *", ask, _("Ask the worker to read every switch back.")),
)
