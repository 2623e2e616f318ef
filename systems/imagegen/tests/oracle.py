"""The rules once more, by brute force over plain rows and in other words, to hold the fast ones against."""

import re
from datetime import UTC, datetime
from itertools import groupby

UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def expected(jobs, ledger):
    """Every finding of all history: (rule, subject, transactions) -> (observed at, amount, verdict)."""
    found = {}
    for job in jobs:
        found |= of_job(job, ledger)
    for row in ledger:
        found |= of_row(row, jobs)
    return found | of_groups(ledger)


def text_of(row):
    """metadata.job_id as the database gives it as text."""
    if not has_key(row) or not isinstance(row.metadata, dict) or row.metadata["job_id"] is None:
        return None
    return str(row.metadata["job_id"])


def has_key(row):
    if isinstance(row.metadata, dict | list):
        return "job_id" in row.metadata
    return row.metadata == "job_id"


def named(row):
    text = text_of(row)
    return text.lower() if text and UUID.fullmatch(text) else None


def latest(*moments):
    return max(moment for moment in moments if moment is not None)


def of_job(job, ledger):
    own = [row for row in ledger if row.user_id == job.user_id and named(row) == str(job.id)]
    charges = [row for row in own if row.transaction_type == "consumption"]
    refunds = [row for row in own if row.transaction_type == "refund"]
    found = {}

    def find(rule, observed_at, amount, *transactions, verdict="anomaly"):
        ids = tuple(str(row.id) if row else "-" for row in transactions)
        found[rule, str(job.id), ids] = (observed_at, amount, verdict)

    for refund in refunds:
        at = latest(refund.created_at, job.updated_at)
        if job.status == "succeeded":
            for charge in charges or [None]:
                find("refund_for_succeeded_job", at, refund.amount, charge, refund)
        elif job.status != "failed":
            verdict = "anomaly" if job.status in ("queued", "processing") else "cannot_tell"
            find("refund_during_retry", at, refund.amount, refund, verdict=verdict)
        elif not charges:
            find("refund_without_consumption", at, refund.amount, refund)
        for charge in charges:
            if refund.amount != abs(charge.amount):
                at_last = latest(at, charge.created_at)
                find("refund_amount_mismatch", at_last, refund.amount - abs(charge.amount), charge, refund)
    if job.status == "failed" and not refunds:
        for charge in charges:
            at = latest(charge.created_at, job.updated_at)
            find("consumption_without_refund_for_failed_job", at, charge.amount, charge)
    if job.status == "succeeded" and not charges:
        verdict = "expected" if is_free(job) else "anomaly"
        for refund in refunds or [None]:
            find("succeeded_job_without_consumption", job.updated_at, None, refund, verdict=verdict)
    return found


def is_free(job):
    style = (job.generation_metadata or {}).get("oneTapStyle")
    return job.generation_type == "one_tap_style" and isinstance(style, dict) and style.get("billingMode") != "paid"


def of_row(row, jobs):
    if row.transaction_type not in ("consumption", "refund") or not has_key(row):
        return {}
    owners = {job.user_id for job in jobs if str(job.id) == named(row)}
    if named(row) is None:
        rule = "malformed_job_id"
    elif not owners:
        rule = "orphan_ledger_row"
    elif row.user_id not in owners:
        rule = "ledger_row_of_another_user"
    else:
        return {}
    return {(rule, str(row.id), ()): (row.created_at or EPOCH, row.amount, "anomaly")}


def of_groups(ledger):
    def kind(row):
        return (named(row), str(row.user_id), row.transaction_type)

    billing = [row for row in ledger if row.transaction_type in ("consumption", "refund") and named(row)]
    billing.sort(key=lambda row: (*kind(row), row.created_at or EPOCH, row.id.int))
    found = {}
    for (job_id, _, _), rows in groupby(billing, kind):
        oldest, *others = rows
        if others:
            at = max((row.created_at for row in (oldest, *others) if row.created_at), default=EPOCH)
            key = ("duplicate_ledger_rows", job_id, (str(oldest.id),))
            found[key] = (at, sum(row.amount for row in others), "anomaly")
    return found
