"""What runs by itself: requests expire, and what is approved is brought to its end."""

from django.utils.translation import gettext_lazy as _

from adjustments.expiry import expire, recover
from jobs.registry import Job

JOBS = (
    Job(
        "adjustments_recover",
        "* * * * *",
        recover,
        _("Ask the worker again for approved adjustments that are not applied yet."),
    ),
    Job(
        "adjustments_expire",
        "*/5 * * * *",
        expire,
        _("Let adjustments expire that nobody approved in time."),
    ),
)
