"""What can be wrong between jobs and the ledger, as data over named booleans.

An amount is the ledger's error as the wallet feels it: negative when credits left it that should not have, positive
when it holds credits that it should not.
"""

from django.utils.translation import gettext_lazy as _

from systems.base import Facts, Rule, Severity
from systems.imagegen import source

JOB_BILLING = Facts(
    name="job_billing",
    kind="job",
    subject="job_id",
    suspects=True,
    ranges=source.passes,
    planning=source.HASHING,
    booleans={
        "succeeded": _("The job succeeded."),
        "failed": _("The job failed for good."),
        "in_progress": _("The job is queued or at work, a retry included."),
        "status_unknown": _("The job has a status we do not know."),
        "charged": _("A charge of its user names the job."),
        "refunded": _("A refund of its user names the job."),
        "amounts_differ": _("The refund is not what was charged."),
        "nameable": _("The job's id is one that a ledger row can name: a uuid of version 1 to 5."),
        "free_by_design": _("It is a one-tap style job that was to cost nothing."),
        "in_free_weeks": _("It was made while one-tap style jobs were free, about 12 to 27 April 2026."),
    },
)
LEDGER_ROW = Facts(
    name="ledger_row",
    kind="transaction",
    subject="transaction_id",
    suspects=True,
    ranges=source.passes,
    planning=source.HASHING,
    booleans={
        "bills_a_job": _("It is a charge or a refund."),
        "has_job_id": _("It has a job_id, whatever that says."),
        "well_formed": _("Its job_id is a uuid of version 1 to 5, so that the source reads it."),
        "job_exists": _("The job it names exists."),
        "job_of_its_user": _("The job it names is its user's."),
        "undated": _("It has no date, so that only a sweep of all history finds it."),
    },
)
LEDGER_GROUP = Facts(
    name="ledger_group",
    kind="job",
    subject="job_id",
    subject_type="text",
    key_type="text",
    suspects=True,
    booleans={
        "repeated": _("More than one row of the same user and type names the job."),
        "spelled_alike": _("Rows spell the job's id alike, which the unique indexes forbid: they came before them."),
    },
)
FACTS = (JOB_BILLING, LEDGER_ROW, LEDGER_GROUP)

RUNBOOK = "Billing Consistency Runbook, Purpose"
ODDITIES = "source-systems A6"

ANOMALIES = (
    Rule(
        code="refund_for_succeeded_job",
        title=_("Refunded, though the job succeeded"),
        why=_("The user has the image and the credits: the job failed, was refunded, and then succeeded after all."),
        facts="job_billing",
        when={"succeeded": True, "refunded": True},
        severity=Severity.MAJOR,
        observed_at="refund_observed_at",
        transactions=("consumption_id", "refund_id"),
        amount="refund_amount",
        unit="credits",
        source=RUNBOOK,
    ),
    Rule(
        code="consumption_without_refund_for_failed_job",
        title=_("Charged, failed, and not refunded"),
        why=_("The user paid for a job that failed for good, and has not been given the credits back."),
        facts="job_billing",
        when={"failed": True, "charged": True, "refunded": False},
        severity=Severity.CRITICAL,
        observed_at="charge_observed_at",
        transactions=("consumption_id",),
        amount="consumption_amount",
        unit="credits",
        source=RUNBOOK,
    ),
    Rule(
        code="succeeded_job_without_consumption",
        title=_("Succeeded, and never charged"),
        why=_("The ledger has no charge of the job's user for it. The balance may have been reduced all the same."),
        facts="job_billing",
        when={"succeeded": True, "charged": False},
        severity=Severity.MAJOR,
        observed_at="updated_at",
        transactions=("refund_id",),
        expected="free_by_design",
        source=RUNBOOK,
    ),
)
NOTICES = (
    Rule(
        code="orphan_ledger_row",
        title=_("Ledger row of a job that is gone"),
        why=_("It charges or refunds a job that does not exist: its owner deleted it, or it never was."),
        facts="ledger_row",
        # What is cheap to tell stands first: PostgreSQL stops at the first condition that does not hold.
        when={"bills_a_job": True, "job_exists": False, "well_formed": True},
        severity=Severity.NOTICE,
        observed_at="observed_at",
        amount="amount",
        unit="credits",
        source=ODDITIES,
    ),
    Rule(
        code="ledger_row_of_another_user",
        title=_("Ledger row for another user's job"),
        why=_("It charges or refunds one user for the job of another, so it counts for neither."),
        facts="ledger_row",
        when={"bills_a_job": True, "job_of_its_user": False, "job_exists": True},
        severity=Severity.NOTICE,
        observed_at="observed_at",
        amount="amount",
        unit="credits",
        source=ODDITIES,
    ),
    Rule(
        code="malformed_job_id",
        title=_("Ledger row whose job_id cannot be read"),
        why=_("The source takes it for a row without a job, so that the job it was meant for seems not charged."),
        facts="ledger_row",
        when={"bills_a_job": True, "job_exists": False, "has_job_id": True, "well_formed": False},
        severity=Severity.NOTICE,
        observed_at="observed_at",
        amount="amount",
        unit="credits",
        source=ODDITIES,
    ),
    Rule(
        code="refund_during_retry",
        title=_("Refunded before the job was given up"),
        why=_("A refund is due only when a job has failed for good; this one may yet succeed."),
        facts="job_billing",
        when={"refunded": True, "succeeded": False, "failed": False},
        severity=Severity.NOTICE,
        observed_at="refund_observed_at",
        transactions=("refund_id",),
        amount="refund_amount",
        unit="credits",
        cannot_tell="status_unknown",
        source="Billing Consistency Runbook, Post-Deploy Validation 3",
    ),
    Rule(
        code="duplicate_ledger_rows",
        title=_("Charged or refunded more than once"),
        why=_("Several charges, or several refunds, of one user name one job; letter case does not tell them apart."),
        facts="ledger_group",
        when={"repeated": True},
        severity=Severity.NOTICE,
        observed_at="observed_at",
        transactions=("oldest_transaction_id",),
        amount="extra_amount",
        unit="credits",
        source="Billing Consistency Runbook, Pre-Deploy Checklist 1",
    ),
    Rule(
        code="refund_amount_mismatch",
        title=_("Refunded another amount than was charged"),
        why=_("A refund gives back what was charged, whatever the price is by then."),
        facts="job_billing",
        when={"charged": True, "refunded": True, "amounts_differ": True},
        severity=Severity.NOTICE,
        observed_at="pair_observed_at",
        transactions=("consumption_id", "refund_id"),
        amount="refund_excess",
        unit="credits",
        source=ODDITIES,
    ),
    Rule(
        code="refund_without_consumption",
        title=_("Refunded, and never charged"),
        why=_("The job failed and was refunded, but the ledger has no charge of its user for it."),
        facts="job_billing",
        when={"failed": True, "refunded": True, "charged": False},
        severity=Severity.NOTICE,
        observed_at="refund_observed_at",
        transactions=("refund_id",),
        amount="refund_amount",
        unit="credits",
        source=ODDITIES,
    ),
)
RULES = ANOMALIES + NOTICES
