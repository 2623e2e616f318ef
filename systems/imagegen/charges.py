"""The missing charge, and giving back what the console itself took."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from systems.base import Line, Posting, Refused, Row, Source
from systems.imagegen import postings, wallet
from systems.imagegen import source as asked
from systems.imagegen.events import OURS, UNIT
from systems.imagegen.postings import of_type
from systems.imagegen.prices import price
from systems.imagegen.purses import ShortBalance, parts_of, split, totals
from systems.imagegen.returns import gifts_for, line_about, told_of

# Post the missing charge ---------------------------------------------------------------------------------------------


def draft_consumption(source: Source, job_id: str) -> Sequence[Line]:
    file = asked.job_file(source, job_id)
    if not file.job:
        raise Refused(_("There is no job %s any more.") % job_id)
    if file.job["status"] != "succeeded":
        raise Refused(_("The job is %s. Only a job that succeeded is charged afterwards.") % file.job["status"])
    if file.job["free_by_design"]:
        raise Refused(_("The job is free by design: a one-tap style that nobody pays for."))
    if file.charges:
        raise Refused(_("The job has been charged already, by %s.") % file.charges[0]["id"])
    if paid := _paid_unseen(file):
        message = _("The user paid for this job by %s, which spells its job_id so that the source does not count it.")
        raise Refused(message % paid)
    listed = price(file.job["model"], created_at=file.job["created_at"], images=file.job["requested_image_count"])
    named = {"job_id": job_id, "user_id": str(file.job["user_id"])}
    return [Line(subject=job_id, amount=-listed, unit=UNIT, particulars=named)]


def _paid_unseen(file: asked.JobFile) -> Any:
    """A charge of the same user that means this job, by its spelling or by what the purses say."""
    own = [row for row in file.ledger if row["user_id"] == file.job["user_id"]]
    spelled = [row["id"] for row in own if row["transaction_type"] == "consumption"]
    allocated = [row["consumption_transaction_id"] for row in file.allocations if row["user_id"] == file.job["user_id"]]
    return next(iter([*spelled, *filter(None, allocated)]), None)


def consumption_evidence(cursor: Any, line: Line, lock: bool) -> Row | None:
    """The job as it succeeded, what decides its price, and that nothing charged it."""
    wallet.purses(cursor, postings.holder(line), lock=lock)
    job, found = postings.job(cursor, line, lock), postings.rows(cursor, line, lock)
    if not job:
        return None
    charges = of_type(found, "consumption")
    return {
        "job_id": str(job["id"]),
        "user_id": str(job["user_id"]),
        "job_status": job["status"],
        "model": job["model"],
        "generation_type": job["generation_type"],
        "requested_image_count": job["requested_image_count"],
        "created_at": job["created_at"],
        "consumption_id": str(charges[0]["id"]) if charges else None,
    }


def post_consumption(cursor: Any, line: Line, posting: Posting) -> dict[str, Any]:
    held = wallet.purses(cursor, postings.holder(line), lock=True)
    job, found = postings.job(cursor, line, lock=True), postings.rows(cursor, line, lock=True)
    _refuse_charge(line, job, found)
    try:
        parts = parts_of(-line.amount, held.batches, held.paid, posting.now)
    except ShortBalance as short:
        raise Refused(_("The balance would go below zero. %s") % short) from short
    image = wallet.ask(cursor, "first_image", job_id=line.subject)
    told = postings.metadata(line, posting, line.subject, "image_generation", **split("from", totals(parts)))
    image_id = image[0]["id"] if image else None
    charge = postings.write(held, line, posting, kind="consumption", metadata=told, image_id=image_id)
    wallet.spend(held, parts, posting.now)
    wallet.allocate(held, job["id"], charge, parts, posting.now)
    return postings.receipt(held, line, posting, "billingadmin_consumption_posted", charge)


def _refuse_charge(line: Line, job: Row | None, found: Sequence[Row]) -> None:
    if not job:
        raise Refused(_("The job is no longer there."))
    if job["status"] != "succeeded":
        raise Refused(_("The job is %s. Only a job that succeeded is charged afterwards.") % job["status"])
    if job["free_by_design"]:
        raise Refused(_("The job is free by design: a one-tap style that nobody pays for."))
    if charges := of_type(found, "consumption"):
        raise Refused(_("The job has been charged already, by %s.") % charges[0]["id"])
    if line.amount >= 0:
        raise Refused(_("A charge takes credits out of the wallet: its amount is below zero."))


# Give back what the console took -------------------------------------------------------------------------------------


def draft_giving_back(source: Source, job_id: str) -> Sequence[Line]:
    """The newest charge or deduction that the console posted for the job and nobody has given back."""
    file = asked.job_file(source, job_id)
    ours = [row for row in file.ledger if file.job and file.counts(row) and _is_given_back(row)]
    open_rows = [row for row in ours if not postings.reversal_of(file.ledger, row)]
    if not open_rows:
        raise Refused(_("This console has taken nothing for the job that is not given back."))
    return [line_about(file.job, open_rows[-1])]


def _is_given_back(row: Row) -> bool:
    by_us = row["metadata"].get("source") == OURS
    return by_us and row["transaction_type"] in ("consumption", "admin_deduction")


def giving_back_evidence(cursor: Any, line: Line, lock: bool) -> Row | None:
    """What the console took, and that nobody has given it back."""
    wallet.purses(cursor, postings.holder(line), lock=lock)
    found = postings.rows(cursor, line, lock)
    taken = postings.row_named(found, line)
    if not taken:
        return None
    reversal = postings.reversal_of(found, taken)
    return {
        "job_id": line.subject,
        "user_id": line.particulars["user_id"],
        "taken_id": str(taken["id"]),
        "taken_amount": taken["amount"],
        "given_back_by": str(reversal["id"]) if reversal else None,
    }


def give_back(cursor: Any, line: Line, posting: Posting) -> dict[str, Any]:
    held = wallet.purses(cursor, postings.holder(line), lock=True)
    found = postings.rows(cursor, line, lock=True)
    taken = postings.row_named(found, line)
    if not taken or line.amount != -taken["amount"]:
        raise Refused(_("What the console took is no longer there, or was another amount."))
    if reversal := postings.reversal_of(found, taken):
        raise Refused(_("It has been given back already, by %s.") % reversal["id"])
    gifts = gifts_for(cursor, taken, posting)
    told = postings.metadata(
        line,
        posting,
        taken["job_id_text"],
        "billing_correction",
        reverses_tx_id=str(taken["id"]),
        admin_id=None,
        **told_of(gifts),
    )
    bonus = postings.write(held, line, posting, kind="admin_bonus", metadata=told)
    wallet.give(held, gifts, source="admin_bonus", transaction=bonus, now=posting.now)
    wallet.tell(cursor, "restore_allocations", transaction_id=taken["id"], refund_id=bonus, now=posting.now)
    return postings.receipt(held, line, posting, "billingadmin_given_back", bonus)
