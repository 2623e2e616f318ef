"""What moves credits in the source: purses, ledger and audit row together, in the transaction of the cursor given.

The balance row is locked before anything else, so that two movements of one user wait for each other in one order.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from billingadmin.sql import statement
from systems.base import Row
from systems.imagegen.purses import FREE, Batch, Part, Purse, expiry, totals

SQL = Path(__file__).with_name("wallet.sql")


@dataclass
class Purses:
    """What a user holds. ``make_id`` gives the ids of the rows that are written."""

    cursor: Any
    user_id: UUID
    balance: int
    paid: int
    batches: list[Batch]
    make_id: Any = field(default=uuid4)

    @property
    def limited(self) -> int:
        return sum(batch.remaining for batch in self.batches if batch.purse == Purse.PERIOD_LIMITED)

    @property
    def unlimited(self) -> int:
        return sum(batch.remaining for batch in self.batches if batch.purse == Purse.UNLIMITED_BONUS)


def ask(cursor: Any, name: str, *, lock: bool = False, **parameters: Any) -> list[dict[str, Any]]:
    sql = statement(SQL, name) + ("\n" + statement(SQL, "held") if lock else "")
    cursor.execute(sql, parameters)
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def tell(cursor: Any, name: str, **parameters: Any) -> None:
    cursor.execute(statement(SQL, name), parameters)


def purses(cursor: Any, user_id: UUID, *, lock: bool = False) -> Purses:
    """A user without a balance row holds nothing."""
    held = ask(cursor, "purses", lock=lock, user_id=user_id)
    batches = [_batch(row) for row in ask(cursor, "batches", lock=lock, user_id=user_id)] if held else []
    balance, paid = (held[0]["balance"], held[0]["paid_balance"]) if held else (0, 0)
    return Purses(cursor, user_id, balance, paid, batches)


def _batch(row: Row) -> Batch:
    return Batch(
        id=row["id"],
        amount=row["amount"],
        remaining=row["remaining_amount"],
        granted_at=row["granted_at"],
        expire_at=row["expire_at"],
        source=row["source"],
        transaction=row["credit_transaction_id"],
    )


def spend(held: Purses, parts: Sequence[Part], now: datetime) -> None:
    """Takes the parts out of the purses that ``parts_of`` took them from."""
    for part in parts:
        if part.batch:
            tell(held.cursor, "take_from_batch", batch_id=part.batch.id, amount=part.amount)
            tell(held.cursor, "drop_used_up", batch_id=part.batch.id)
    sums = totals(parts)
    _move(held, free=-sum(sums[purse] for purse in FREE), paid=-sums[Purse.PAID], now=now)


@dataclass(frozen=True)
class Gift:
    """Credits into one purse; a free one gets a batch with this expiry."""

    purse: Purse
    amount: int
    expire_at: datetime | None = None


def give(held: Purses, gifts: Sequence[Gift], *, source: str, transaction: UUID, now: datetime) -> None:
    tell(held.cursor, "open_purses", user_id=held.user_id, now=now)
    for gift in gifts:
        if gift.purse in FREE:
            tell(
                held.cursor,
                "grant_batch",
                id=held.make_id(),
                user_id=held.user_id,
                amount=gift.amount,
                expire_at=gift.expire_at,
                source=source,
                transaction_id=transaction,
                now=now,
            )
    free = sum(gift.amount for gift in gifts if gift.purse in FREE)
    _move(held, free=free, paid=sum(gift.amount for gift in gifts) - free, now=now)


def _move(held: Purses, *, free: int, paid: int, now: datetime) -> None:
    tell(held.cursor, "move_balance", user_id=held.user_id, free=free, paid=paid, now=now)
    held.balance += free + paid
    held.paid += paid


def gifts_of(sums: Mapping[Purse, int], now: datetime) -> list[Gift]:
    """What goes back to each purse when nobody knows which batch had paid: free credits last as long as new ones."""
    expiries = {Purse.PERIOD_LIMITED: expiry(now)}
    return [Gift(purse, amount, expiries.get(purse)) for purse, amount in sums.items() if amount]


def write_row(
    held: Purses,
    *,
    kind: str,
    amount: int,
    metadata: Mapping[str, Any],
    now: datetime,
    image_id: UUID | None = None,
    payment: str | None = None,
) -> UUID | None:
    """The id of the new ledger row; None when a unique index already has such a row."""
    written = ask(
        held.cursor,
        "write_ledger_row",
        id=held.make_id(),
        user_id=held.user_id,
        amount=amount,
        transaction_type=kind,
        image_id=image_id,
        payment=payment,
        metadata=json.dumps(metadata, ensure_ascii=False),
        now=now,
    )
    return written[0]["id"] if written else None


def allocate(held: Purses, job_id: UUID, transaction: UUID, parts: Sequence[Part], now: datetime) -> None:
    for part in parts:
        tell(
            held.cursor,
            "allocate",
            id=held.make_id(),
            job_id=job_id,
            user_id=held.user_id,
            transaction_id=transaction,
            purse=part.purse.value,
            batch_id=part.batch and part.batch.id,
            expire_at=part.batch and part.batch.expire_at,
            amount=part.amount,
            now=now,
        )


def write_audit_row(
    held: Purses, action_type: str, transaction: UUID, metadata: Mapping[str, Any], now: datetime
) -> UUID:
    audit_id = held.make_id()
    tell(
        held.cursor,
        "write_audit_row",
        id=audit_id,
        action_type=action_type,
        transaction_id=str(transaction),
        metadata=json.dumps(metadata, ensure_ascii=False),
        now=now,
    )
    return audit_id
