"""What every posting here has in common: whose purses, which job and ledger rows, and how it is written down."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from systems.base import Line, Posting, Refused, Row, Text
from systems.imagegen import wallet
from systems.imagegen.events import OURS, UNIT
from systems.imagegen.purses import Purse
from systems.imagegen.vocabulary import names_a_job


def holder(line: Line) -> UUID:
    return UUID(line.particulars["user_id"])


def job(cursor: Any, line: Line, lock: bool = False) -> Row | None:
    """The job, if it is the user's whose purses the line moves."""
    found = wallet.ask(cursor, "job", lock=lock, job_id=line.subject)
    return found[0] if found and found[0]["user_id"] == holder(line) else None


def rows(cursor: Any, line: Line, lock: bool = False) -> list[Row]:
    """The user's ledger rows that the source counts for the job."""
    found = wallet.ask(cursor, "rows_of_job", lock=lock, user_id=holder(line), job_id=line.subject)
    found = [row | {"metadata": json.loads(row["metadata"])} for row in found]
    return [row for row in found if names_a_job(row["job_id_text"])]


def of_type(found: Sequence[Row], *kinds: str) -> list[Row]:
    return [row for row in found if row["transaction_type"] in kinds]


def row_named(found: Sequence[Row], line: Line) -> Row | None:
    """The ledger row that the line names as its tx_id."""
    return next((row for row in found if str(row["id"]) == line.particulars["tx_id"]), None)


def reversal_of(found: Sequence[Row], row: Row) -> Row | None:
    """The row by which the console has taken another one back."""
    return next((one for one in found if one["metadata"].get("reverses_tx_id") == str(row["id"])), None)


def effects(cursor: Any, line: Line) -> Mapping[Text, tuple[int, str]]:
    """The purses, and how much of the balance nothing in the ledger explains: a posting must not change that."""
    user_id = holder(line)
    held = wallet.purses(cursor, user_id)
    unexplained = wallet.ask(cursor, "unexplained", user_id=user_id)
    return {
        _("Balance"): (held.balance, UNIT),
        Purse.PAID.label: (held.paid, UNIT),
        Purse.PERIOD_LIMITED.label: (held.limited, UNIT),
        Purse.UNLIMITED_BONUS.label: (held.unlimited, UNIT),
        _("Balance that the ledger does not explain"): (unexplained[0]["unexplained"] if unexplained else 0, UNIT),
    }


def ledger_row(cursor: Any, receipt: Mapping[str, Any]) -> Row | None:
    """The row of the ledger that a receipt names."""
    found = wallet.ask(cursor, "ledger_row", id=UUID(receipt["tx_id"]))
    return found[0] if found else None


def metadata(line: Line, posting: Posting, job_id_text: str, reason: str, **more: Any) -> dict[str, Any]:
    """``reason`` is the source's own code; the person's reason is beside it and in the audit row."""
    own = {"job_id": job_id_text, "reason": reason, "source": OURS, "note": posting.reason}
    return own | {"correlation_id": posting.correlation_id, "line_key": str(posting.key)} | more


def write(
    held: wallet.Purses,
    line: Line,
    posting: Posting,
    *,
    kind: str,
    metadata: Mapping[str, Any],
    image_id: UUID | None = None,
) -> UUID:
    """The ledger row, before anything else moves. Refused, with nothing written, when there is such a row."""
    written = wallet.write_row(
        held, kind=kind, amount=line.amount, metadata=metadata, image_id=image_id, now=posting.now
    )
    if written is None:
        there = wallet.ask(
            held.cursor,
            "row_in_the_way",
            transaction_type=kind,
            user_id=held.user_id,
            job_id_text=metadata["job_id"],
            idempotency_key=metadata.get("idempotency_key", ""),
        )
        existing = there[0]["id"] if there else "?"
        raise Refused(_("The ledger already has such a row: %s. There is nothing left to post.") % existing)
    return written


def receipt(held: wallet.Purses, line: Line, posting: Posting, action_type: str, transaction: UUID) -> dict[str, Any]:
    """Writes the source's own audit row and answers what was written where."""
    told = {
        "job_id": line.subject,
        "tx_id": str(transaction),
        "about_tx_id": line.particulars.get("tx_id"),
        "user_id": str(held.user_id),
        "reason": posting.reason,
        "amount": line.amount,
        "proposed_by": posting.proposer,
        "approved_by": list(posting.approvers),
        "correlation_id": posting.correlation_id,
        "line_key": str(posting.key),
        "source": OURS,
    }
    audit_id = wallet.write_audit_row(held, action_type, transaction, told, posting.now)
    return {"tx_id": str(transaction), "audit_id": str(audit_id), "balance": held.balance}
