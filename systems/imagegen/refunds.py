"""The missing refund, and taking back an undue one."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from systems.base import Line, Posting, Refused, Row, Source
from systems.imagegen import postings, wallet
from systems.imagegen import source as asked
from systems.imagegen.events import OURS
from systems.imagegen.postings import of_type
from systems.imagegen.purses import FREE, Part, Purse, ShortBalance, parts_of, split, totals
from systems.imagegen.returns import figure, gifts_for, line_about, told_of

# Post the missing refund ---------------------------------------------------------------------------------------------


def draft_refund(source: Source, job_id: str) -> Sequence[Line]:
    file = asked.job_file(source, job_id)
    if not file.job:
        raise Refused(_("There is no job %s any more, so nothing says that it failed.") % job_id)
    if file.job["status"] != "failed":
        raise Refused(_("The job is %s. Only a job that failed for good is refunded.") % file.job["status"])
    if not file.charges:
        raise Refused(_("The job was never charged, so there is nothing to give back."))
    if len(file.refunds) >= len(file.charges):
        raise Refused(_("The job has been refunded already, by %s.") % file.refunds[-1]["id"])
    refunded = {row["job_id_text"] for row in file.refunds}
    return [line_about(file.job, row) for row in file.charges if row["job_id_text"] not in refunded]


def refund_evidence(cursor: Any, line: Line, lock: bool) -> Row | None:
    """The failed job and its charge, and that no refund answers this charge."""
    wallet.purses(cursor, postings.holder(line), lock=lock)
    job, found = postings.job(cursor, line, lock), postings.rows(cursor, line, lock)
    charge = postings.row_named(of_type(found, "consumption"), line)
    if not job or not charge:
        return None
    same = [row for row in of_type(found, "refund") if row["job_id_text"] == charge["job_id_text"]]
    return {
        "job_id": str(job["id"]),
        "user_id": str(job["user_id"]),
        "job_status": job["status"],
        "consumption_id": str(charge["id"]),
        "consumption_amount": charge["amount"],
        "consumption_job_id": charge["job_id_text"],
        "refund_id": str(same[0]["id"]) if same else None,
    }


def post_refund(cursor: Any, line: Line, posting: Posting) -> dict[str, Any]:
    held = wallet.purses(cursor, postings.holder(line), lock=True)
    job, found = postings.job(cursor, line, lock=True), postings.rows(cursor, line, lock=True)
    charge = postings.row_named(of_type(found, "consumption"), line)
    _refuse_refund(line, job, charge, found)
    gifts = gifts_for(cursor, charge, posting)
    allocated = wallet.ask(cursor, "allocations_to_restore", transaction_id=charge["id"])
    mode = "allocations" if allocated else "legacy_fallback"
    told = postings.metadata(
        line, posting, charge["job_id_text"], "image_generation_failed", refund_mode=mode, **told_of(gifts)
    )
    refund = postings.write(held, line, posting, kind="refund", metadata=told)
    wallet.give(held, gifts, source="refund", transaction=refund, now=posting.now)
    wallet.tell(cursor, "restore_allocations", transaction_id=charge["id"], refund_id=refund, now=posting.now)
    return postings.receipt(held, line, posting, "billingadmin_refund_posted", refund)


def _refuse_refund(line: Line, job: Row | None, charge: Row | None, found: Sequence[Row]) -> None:
    if not job or not charge:
        raise Refused(_("The job or its charge is no longer there."))
    if job["status"] != "failed":
        raise Refused(_("The job is %s by now. Only a job that failed for good is refunded.") % job["status"])
    if charge["amount"] >= 0:
        raise Refused(
            _("The charge %s took nothing out of the wallet, so there is nothing to give back.") % charge["id"]
        )
    if line.amount != -charge["amount"]:
        told = {"amount": line.amount, "charged": -charge["amount"]}
        raise Refused(_("A refund gives back what was charged: %(charged)d credits, not %(amount)d.") % told)
    refunds = of_type(found, "refund")
    if len(refunds) >= len(of_type(found, "consumption")):
        raise Refused(_("The job has been refunded already, by %s.") % refunds[-1]["id"])


# Take back an undue refund -------------------------------------------------------------------------------------------


def draft_taking_back(source: Source, job_id: str) -> Sequence[Line]:
    """Every refund of the job (or bonus by which the console gave something back) that nobody has taken back."""
    file = asked.job_file(source, job_id)
    given = [row for row in file.ledger if file.job and file.counts(row) and _is_taken_back(row)]
    open_rows = [row for row in given if not postings.reversal_of(file.ledger, row)]
    if not given:
        raise Refused(_("The job has no refund to take back."))
    if not open_rows:
        raise Refused(_("The refund %s has been taken back already.") % given[-1]["id"])
    return [line_about(file.job, row) for row in open_rows]


def _is_taken_back(row: Row) -> bool:
    by_us = row["transaction_type"] == "admin_bonus" and row["metadata"].get("source") == OURS
    return row["transaction_type"] == "refund" or by_us


def taking_back_evidence(cursor: Any, line: Line, lock: bool) -> Row | None:
    """The refund, the job's state, and that nobody has taken the refund back."""
    wallet.purses(cursor, postings.holder(line), lock=lock)
    job, found = postings.job(cursor, line, lock), postings.rows(cursor, line, lock)
    refund = postings.row_named(found, line)
    if not refund:
        return None
    reversal = postings.reversal_of(found, refund)
    return {
        "job_id": line.subject,
        "user_id": line.particulars["user_id"],
        "job_status": job and job["status"],
        "refund_id": str(refund["id"]),
        "refund_amount": refund["amount"],
        "refund_job_id": refund["job_id_text"],
        "taken_back_by": str(reversal["id"]) if reversal else None,
    }


def take_back_refund(cursor: Any, line: Line, posting: Posting) -> dict[str, Any]:
    held = wallet.purses(cursor, postings.holder(line), lock=True)
    found = postings.rows(cursor, line, lock=True)
    refund = postings.row_named(found, line)
    _refuse_taking_back(line, refund, found)
    parts = _parts_to_take(held, refund, posting)
    told = postings.metadata(
        line,
        posting,
        refund["job_id_text"],
        "undue_refund",
        reverses_tx_id=str(refund["id"]),
        admin_id=None,
        balance_type=_purse_named(parts),
        idempotency_key=str(posting.key),
        **split("from", totals(parts)),
    )
    deduction = postings.write(held, line, posting, kind="admin_deduction", metadata=told)
    wallet.spend(held, parts, posting.now)
    return postings.receipt(held, line, posting, "billingadmin_refund_taken_back", deduction)


def _refuse_taking_back(line: Line, refund: Row | None, found: Sequence[Row]) -> None:
    if not refund:
        raise Refused(_("The refund is no longer there."))
    if reversal := postings.reversal_of(found, refund):
        raise Refused(_("The refund has been taken back already, by %s.") % reversal["id"])
    if refund["amount"] <= 0:
        raise Refused(_("The refund %s put nothing into the wallet, so there is nothing to take back.") % refund["id"])
    if line.amount != -refund["amount"]:
        told = {"amount": -line.amount, "given": refund["amount"]}
        raise Refused(_("The refund gave %(given)d credits; %(amount)d cannot be taken back.") % told)


def _parts_to_take(held: wallet.Purses, refund: Row, posting: Posting) -> list[Part]:
    """First from the batches the refund made, then from the purse it filled, then as any charge is paid."""
    missing, parts = refund["amount"], []
    for batch in [batch for batch in held.batches if batch.transaction == refund["id"]]:
        taken = min(batch.remaining, missing)
        parts += [Part(batch.purse, taken, batch)] * (taken > 0)
        missing -= taken
        held.batches.remove(batch)
    paid = min(held.paid, missing, figure(refund["metadata"], "to_paid"))
    try:
        rest = parts_of(missing - paid, held.batches, held.paid - paid, posting.now)
    except ShortBalance as short:
        raise Refused(_("The balance would go below zero. %s") % short) from short
    paid += sum(part.amount for part in rest if part.purse == Purse.PAID)
    free = [part for part in rest if part.purse in FREE]
    return parts + free + [Part(Purse.PAID, paid)] * (paid > 0)


def _purse_named(parts: Sequence[Part]) -> str:
    """The source's deductions name one purse; ours may take from several and name the one that gave most."""
    sums = totals(parts)
    most = max(Purse, key=lambda purse: sums[purse])
    return "unlimited" if most == Purse.UNLIMITED_BONUS else most.value
