"""What runs by itself: requests expire, and what is approved is brought to its end."""

from django.utils.translation import gettext_lazy as _

from adjustments.expiry import expire, warn
from adjustments.policies.renewal import catch_up
from adjustments.reconciliation import asking
from adjustments.recovery import recover
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
    Job(
        "adjustments_warn",
        "*/5 * * * *",
        warn,
        _("Tell those who can still act that a request's deadline is near."),
    ),
    Job(
        "adjustments_renew",
        "*/5 * * * *",
        catch_up,
        _("Bring requests under the rule there is that were proposed while it was being changed."),
    ),
    Job(
        "adjustments_reconcile",
        "23 * * * *",
        asking.by_the_clock,
        _("Ask the worker to compare the ledgers with the console: the last two days."),
    ),
    Job(
        "adjustments_reconcile_all",
        "35 4 * * *",
        asking.whole_by_the_clock,
        _("Ask the worker to compare the ledgers with the console: all there is."),
    ),
)
