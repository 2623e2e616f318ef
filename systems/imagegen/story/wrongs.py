"""What the rules find: each of these makes one such case and says which rules find it, about which subject."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from systems.imagegen.story import fates
from systems.imagegen.story.books import Books
from systems.imagegen.story.turns import (
    MINUTE,
    charge_of_no_job,
    charged_as,
    delete,
    left_waiting,
    picked_up_again,
    unpayable,
)

Found = list[tuple[str, str]]  # rule and subject

STUCK = "Job timed out (marked as failed by the status endpoint)"


# The three anomalies of the runbook ----------------------------------------------------------------------------------


def refunded_then_succeeded(books: Books, at: datetime) -> Found:
    row, paid = fates.fail(books, at)
    books.refund(paid, fates.soon_after(row))
    fates.log(books, row, fates.soon_after(row), f"refunded {paid.amount} percoins")
    picked_up_again(books, row, paid)
    return [("refund_for_succeeded_job", row["id"])]


def never_refunded(books: Books, at: datetime) -> Found:
    row, _ = fates.fail(books, at, error=STUCK)
    fates.log(books, row, row["completed_at"], "status endpoint marked the job failed", "warning")
    return [("consumption_without_refund_for_failed_job", row["id"])]


def charge_not_recorded(books: Books, at: datetime) -> Found:
    row, _ = charged_as(books, at, recorded=False)
    fates.log(books, row, row["started_at"], "failed to insert credit transaction, continuing", "error")
    return [("succeeded_job_without_consumption", row["id"])]


def refunded_and_charge_not_recorded(books: Books, at: datetime) -> Found:
    row = fates.job(books, at)
    made = fates.tries(books, at, fates.LIMIT)
    books.afford(fates.cost(row), at)
    paid = fates.charge(books, row, made[0].started_at, recorded=False)
    fates.finish(books, row, "failed", made, fates.LIMIT, fates.PASSING[0])
    books.refund(paid, fates.soon_after(row))
    picked_up_again(books, row, None)
    return [("refund_for_succeeded_job", row["id"]), ("succeeded_job_without_consumption", row["id"])]


def charged_to_somebody_else(books: Books, at: datetime) -> Found:
    row = fates.job(books, at)
    made = fates.tries(books, at, 1)
    other = books.somebody_else()
    other.grant("signup_bonus", 300, at - timedelta(days=2))
    paid = fates.charge(other, row, made[0].started_at)
    fates.complete(books, row, paid, made, 0)
    return [("succeeded_job_without_consumption", row["id"]), ("ledger_row_of_another_user", paid.row["id"])]


# Free by design ------------------------------------------------------------------------------------------------------


def free_style(**told: Any) -> Callable[[Books, datetime], Found]:
    def make(books: Books, at: datetime) -> Found:
        style = {"oneTapStyle": {"presetId": "style-3", **told}}
        row = fates.job(books, at, generation_type="one_tap_style", generation_metadata=style)
        fates.complete(books, row, None, fates.tries(books, at, 1), 0)
        return [("succeeded_job_without_consumption", row["id"])]

    return make


# Ledger rows that belong to no job, or say so badly ------------------------------------------------------------------


def job_deleted(books: Books, at: datetime) -> Found:
    row, paid = fates.succeed(books, at)
    delete(books, row, paid)
    return [("orphan_ledger_row", paid.row["id"])]


def refunded_job_deleted(books: Books, at: datetime) -> Found:
    row, paid = fates.fail(books, at)
    refund = books.refund(paid, fates.soon_after(row))
    delete(books, row, paid)
    return [("orphan_ledger_row", paid.row["id"]), ("orphan_ledger_row", refund["id"])]


def job_id_written(spell: Callable[[str], Any]) -> Callable[[Books, datetime], Found]:
    def make(books: Books, at: datetime) -> Found:
        row, paid = charged_as(books, at, spell=spell)
        return [("malformed_job_id", paid.row["id"]), ("succeeded_job_without_consumption", row["id"])]

    return make


def job_of_version_seven(books: Books, at: datetime) -> Found:
    row, paid = fates.succeed(books, at, id=books.uuid(7))
    return [("malformed_job_id", paid.row["id"]), ("succeeded_job_without_consumption", row["id"])]


def job_ids_null(books: Books, at: datetime) -> Found:
    rows = [charge_of_no_job(books, at + number * MINUTE, job_id=None) for number in range(2)]
    return [("malformed_job_id", row["id"]) for row in rows]


def charged_in_two_spellings(books: Books, at: datetime) -> Found:
    row, paid = fates.succeed(books, at)
    books.afford(paid.amount, row["completed_at"])
    fates.charge(books, row, row["completed_at"], job_id=row["id"].upper())
    return [("duplicate_ledger_rows", row["id"])]


# Refunds that no detection of the source covers ----------------------------------------------------------------------


def refunded_in_the_queue(books: Books, at: datetime) -> Found:
    row, made, paid = left_waiting(books, at)
    row |= {"attempts": 1, "error_message": fates.PASSING[1], "updated_at": made[0].ended_at}
    books.refund(paid, made[0].ended_at)
    fates.log(books, row, made[0].ended_at, "refunded before the job was given up", "warning")
    return [("refund_during_retry", row["id"])]


def refunded_at_work(books: Books, at: datetime) -> Found:
    found = refunded_in_the_queue(books, at)
    row = books.tables.rows["image_jobs"][-1]
    started = row["updated_at"] + MINUTE
    row |= {"status": "processing", "processing_stage": "generating", "started_at": started, "updated_at": started}
    return found


def refunded_another_amount(books: Books, at: datetime) -> Found:
    row, paid = fates.fail(books, at)
    books.refund_unallocated(row["id"], 0, paid.amount + 30, fates.soon_after(row))
    return [("refund_amount_mismatch", row["id"])]


def refunded_without_a_charge(books: Books, at: datetime) -> Found:
    row = unpayable(books, at)
    books.refund_unallocated(row["id"], fates.cost(row), 0, fates.soon_after(row))
    return [("refund_without_consumption", row["id"])]
