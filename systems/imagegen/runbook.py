"""The runbook as routines and triage: each step with the screen that does it or the reading that answers it."""

from django.utils.translation import gettext_lazy as _

from systems.base import Routine, Runbook, Step

PRE_DEPLOY = Routine(
    code="pre_deploy",
    title=_("Before the unique indexes are deployed"),
    rhythm="pre-deploy",
    steps=(
        Step(
            code="duplicates",
            text=_("See that no two ledger rows of a user name one job_id. A group that remains blocks the migration."),
            page="pre-deploy/",
            probe="predeploy_duplicates",
        ),
        Step(
            code="snapshot",
            text=_("Take a snapshot of schema and data at the provider, at most five minutes before migrating."),
        ),
    ),
)
POST_DEPLOY = Routine(
    code="post_deploy",
    title=_("After a deployment"),
    rhythm="post-deploy",
    steps=(
        Step(
            code="succeeded_refunded",
            text=_("No job of the new data is succeeded and refunded."),
            page="post-deploy/",
            probe="postdeploy_succeeded_refunded",
        ),
        Step(
            code="refunded_once",
            text=_("Every job that failed for good and was charged has exactly one refund."),
            page="post-deploy/",
            probe="postdeploy_refunded_once",
        ),
        Step(
            code="retry_refunds",
            text=_("No refund came before the last try of its job."),
            page="post-deploy/",
            probe="postdeploy_retry_refunds",
        ),
        Step(
            code="monitor",
            text=_("The source's monitor runs every hour, and writes to its audit log only when it found something."),
            page="post-deploy/",
            probe="source_monitor",
        ),
    ),
)
DAILY = Routine(
    code="daily",
    title=_("Every day"),
    rhythm="daily",
    steps=(
        Step(
            code="queue",
            text=_("Look at what is open, the critical ones first: they stay until somebody decides."),
            page="/anomalies/?system=imagegen",
        ),
        Step(code="detection", text=_("See that detection ran at minute 7 of every hour."), page="/jobs/"),
        Step(code="fresh_jobs", text=_("Jobs still arrive."), probe="newest_job"),
        Step(code="fresh_ledger", text=_("The ledger still grows."), probe="newest_ledger_row"),
        Step(code="failures", text=_("No more jobs fail than usual."), probe="job_status_today"),
        Step(code="stale", text=_("No job is at work for more than six minutes."), probe="stale_jobs"),
        Step(code="balances", text=_("The ledger explains every balance."), probe="balance_identity"),
        Step(code="purses", text=_("Every balance is paid and free credits together."), probe="purse_identity"),
    ),
)

JOB = Step(
    code="job",
    text=_("Read the job on the timeline: status, failed tries, last error, when it was created, started and done."),
)
LEDGER = Step(
    code="ledger",
    text=_("Read its ledger rows, oldest first. A row that the source does not count for the job is marked."),
)
IMAGE = Step(code="image", text=_("See whether there is an image, and whether its charge names it."))
LOGS = Step(
    code="logs",
    text=_("Compare with the storage and edge function logs: failed, tried again, succeeded; when it was refunded."),
)
LOOK = (JOB, LEDGER, IMAGE, LOGS)


def decide(text: str) -> Step:
    """Nothing is corrected by itself: a second person approves, and the source's audit log says why."""
    return Step(code="decide", text=text)


TRIAGE = {
    "refund_for_succeeded_job": (
        *LOOK,
        decide(_("Image there and refund undue: propose to take the refund back. Leave it and say why otherwise.")),
    ),
    "consumption_without_refund_for_failed_job": (
        *LOOK,
        decide(_("Charged, no image, given up: propose the missing refund. Is the job picked up again, wait.")),
    ),
    "succeeded_job_without_consumption": (
        *LOOK,
        Step(
            code="spelling",
            text=_("Look for a charge that spells the job_id badly or is another user's: then nothing is missing."),
        ),
        Step(
            code="balance",
            text=_("See whether the balance was reduced without a row: then a charge would take the credits twice."),
            probe="balance_identity",
        ),
        decide(_("Propose the missing charge, or dismiss: free by design needs none.")),
    ),
    "orphan_ledger_row": (
        LEDGER,
        decide(
            _("The owner may delete a job; its ledger rows stay. Dismiss as expected, unless there are many of a day.")
        ),
    ),
    "ledger_row_of_another_user": (
        *LOOK,
        decide(_("Find out who made the job and who paid. Refund the one by hand only after the other is charged.")),
    ),
    "malformed_job_id": (
        LEDGER,
        Step(code="job_meant", text=_("Find the job it means: the same user, the same minute."), page="/search/"),
        decide(_("The row needs a correct job_id at the source, by its developers. Do not post a second charge.")),
    ),
    "refund_during_retry": (
        *LOOK,
        decide(_("Wait until the job ends: failed, then the refund is right; succeeded, then take it back.")),
    ),
    "duplicate_ledger_rows": (
        LEDGER,
        Step(
            code="groups",
            text=_("See the whole list, transaction ids oldest first."),
            page="pre-deploy/",
            probe="predeploy_duplicates",
        ),
        decide(_("Two real charges: refund the later one at the source. A null job_id only: not a duplicate.")),
    ),
    "refund_amount_mismatch": (
        JOB,
        LEDGER,
        decide(_("The recorded charge decides, not today's price. Ask the source's developers to settle the rest.")),
    ),
    "refund_without_consumption": (
        *LOOK,
        decide(_("A short balance leaves no charge: the refund is undue, propose to take it back.")),
    ),
}

RUNBOOK = Runbook(routines=(PRE_DEPLOY, POST_DEPLOY, DAILY), triage=TRIAGE)
