"""What goes back to the purses when a ledger row is answered by its opposite."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from systems.base import Line, Posting, Refused, Row
from systems.imagegen import wallet
from systems.imagegen.events import UNIT
from systems.imagegen.purses import Part, Purse, split, totals


def line_about(job: Row, row: Row) -> Line:
    """The opposite of a ledger row."""
    named = {"job_id": str(job["id"]), "user_id": str(job["user_id"]), "tx_id": str(row["id"])}
    return Line(subject=str(job["id"]), amount=-row["amount"], unit=UNIT, particulars=named)


def opposite(line: Line, receipt: Row) -> Line:
    """What takes back a line that was posted: it names the ledger row which the posting wrote."""
    named = {name: line.particulars[name] for name in ("job_id", "user_id")}
    return Line(
        subject=line.subject, amount=-line.amount, unit=line.unit, particulars=named | {"tx_id": receipt["tx_id"]}
    )


def gifts_for(cursor: Any, charge: Row, posting: Posting) -> list[wallet.Gift]:
    """Back to the purses that paid, each batch with the expiry it had; by the row's own split where that is unknown."""
    paid_by = wallet.ask(cursor, "allocations_to_restore", lock=True, transaction_id=charge["id"])
    if not paid_by:
        return wallet.gifts_of(_split_of(charge), posting.now)
    allocated = sum(row["amount"] for row in paid_by)
    if allocated != -charge["amount"]:
        told = {"allocated": allocated, "charged": -charge["amount"]}
        message = _("The purses paid %(allocated)d credits by the allocations, but %(charged)d were charged.")
        raise Refused(message % told)
    return [wallet.Gift(Purse(row["allocation_kind"]), row["amount"], row["source_expire_at"]) for row in paid_by]


def _split_of(row: Row) -> dict[Purse, int]:
    """What a ledger row itself says of its purses; what it does not say counts as paid for."""
    amount, told = abs(row["amount"]), row["metadata"]
    unlimited = figure(told, "from_unlimited_bonus")
    limited = figure(told, "from_period_limited") or figure(told, "from_promo") - unlimited
    free = {Purse.PERIOD_LIMITED: max(limited, 0), Purse.UNLIMITED_BONUS: max(unlimited, 0)}
    if sum(free.values()) > amount:
        raise Refused(_("The charge %s says that its purses paid more than was charged.") % row["id"])
    return free | {Purse.PAID: amount - sum(free.values())}


def figure(told: dict[str, Any], key: str) -> int:
    """Some drivers wrote amounts as text."""
    text = str(told.get(key) or 0)
    return int(text) if text.lstrip("-").isdecimal() else 0


def told_of(gifts: Sequence[wallet.Gift]) -> dict[str, int]:
    """The keys a ledger row's metadata tells a return by."""
    return split("to", totals(Part(gift.purse, gift.amount) for gift in gifts))
