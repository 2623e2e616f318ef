"""The credits of one made-up user: what goes in, what is spent, and the rows that each leaves behind.

Every movement keeps the purses and the ledger in step. A story that wants them out of step says so: ``recorded=False``
moves the purses and loses the row, which is what the source did when its ledger insert failed.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from systems.imagegen.purses import FREE, Batch, Part, Purse, expiry, parts_of, split, totals
from systems.imagegen.story.tables import Row, Tables

NAMES = (
    ("佐藤 花子", "hanako.sato@example.jp"),
    ("鈴木 太郎", "taro.suzuki@example.jp"),
    ("高橋 美咲", "misaki.takahashi@example.jp"),
    ("田中 蓮", "ren.tanaka@example.jp"),
)
NEVER_EXPIRES = {"admin_bonus"}


@dataclass
class Charge:
    """A consumption: its ledger row, what each purse paid, and the allocations that say so."""

    job_id: str | None
    amount: int
    row: Row
    parts: list[Part]
    allocations: list[Row] = field(default_factory=list)


class Books:
    def __init__(self, tables: Tables, random: Random, user_id: Any = None) -> None:
        self.tables, self.random = tables, random
        self.user_id = user_id or self.uuid()
        self.paid = 0
        self.batches: list[Batch] = []
        self.moved_at: datetime | None = None
        tables.books.append(self)

    def somebody_else(self) -> "Books":
        """Another user, of whom nothing is known yet."""
        return Books(self.tables, Random(self.random.getrandbits(64)))

    @property
    def balance(self) -> int:
        return self.paid + sum(batch.remaining for batch in self.batches)

    def uuid(self, version: int = 4) -> str:
        """A random uuid of the version, of the standard variant."""
        text = f"{self.random.getrandbits(128):032x}"
        return (
            f"{text[:8]}-{text[8:12]}-{version}{text[13:16]}-{'89ab'[int(text[16], 16) % 4]}{text[17:20]}-{text[20:]}"
        )

    # Into the wallet -------------------------------------------------------------------------------------------------

    def grant(self, kind: str, amount: int, at: datetime | None, **columns: Any) -> Row:
        """Free credits as a batch of their own. ``at`` None leaves the ledger row without its time."""
        row = self._ledger(kind, amount, at, **columns)
        granted_at = at or self.moved_at
        self._batch(amount, granted_at, None if kind in NEVER_EXPIRES else expiry(granted_at), kind, row["id"])
        return row

    def buy(self, amount: int, at: datetime, bucket: str = "paid") -> Row:
        intent = f"pi_{self.random.getrandbits(96):024x}"
        row = self._ledger("purchase", amount, at, metadata={"bucket": bucket}, stripe_payment_intent_id=intent)
        if bucket == "promo":
            self._batch(amount, at, expiry(at), "admin_bonus", row["id"])
        else:
            self.paid += amount
        return row

    def usable(self, at: datetime) -> int:
        return self.paid + sum(
            batch.remaining for batch in self.batches if batch.expire_at is None or batch.expire_at > at
        )

    def afford(self, amount: int, at: datetime) -> None:
        """Buys beforehand what is missing for a charge."""
        if self.usable(at) < amount:
            package = self.random.choice((200, 500, 500, 1000))
            self.buy(max(package, amount), at - timedelta(seconds=self.random.randint(40, 400)))

    # Out of it, and back ---------------------------------------------------------------------------------------------

    def charge(self, job: Row, amount: int, at: datetime, *, recorded: bool = True, **metadata: Any) -> Charge:
        """Raises ShortBalance, with nothing written, when the purses do not hold the amount."""
        parts = parts_of(amount, self.batches, self.paid, at)
        self._spend(parts)
        told = {"job_id": job["id"], "reason": "image_generation", "source": "edge_function"}
        told |= split("from", totals(parts)) | metadata
        row = self._ledger("consumption", -amount, at, recorded=recorded, metadata=told)
        return Charge(job["id"], amount, row, parts, self._allocate(job, row, parts, at) if recorded else [])

    def refund(self, charge: Charge, at: datetime, *, recorded: bool = True, **metadata: Any) -> Row:
        """Gives each purse back what it paid."""
        sums = totals(charge.parts)
        told = {**_refunded(charge.job_id), **split("to", sums), "refund_mode": "allocations"} | metadata
        row = self._ledger("refund", charge.amount, at, recorded=recorded, metadata=told)
        self.paid += sums[Purse.PAID]
        for part in charge.parts:
            if part.purse in FREE:
                self._batch(part.amount, at, part.batch.expire_at, "refund", row["id"] if recorded else None)
        for allocation in charge.allocations:
            allocation |= {"refund_transaction_id": row["id"], "restored_at": at}
        return row

    def refund_unallocated(self, job_id: str, to_promo: int, to_paid: int, at: datetime) -> Row:
        """The older way: by two figures, without knowing which batch had paid."""
        sums = {Purse.PERIOD_LIMITED: to_promo, Purse.UNLIMITED_BONUS: 0, Purse.PAID: to_paid}
        told = {**_refunded(job_id), **split("to", sums), "refund_mode": "legacy_fallback"}
        row = self._ledger("refund", to_promo + to_paid, at, metadata=told)
        self.paid += to_paid
        if to_promo:
            self._batch(to_promo, at, expiry(at), "refund", row["id"])
        return row

    def deduct(self, amount: int, at: datetime) -> Row:
        """What the system's own admin screen leaves: no job, and an audit row that does not name the ledger row."""
        self._spend(parts_of(amount, self.batches, self.paid, at))
        name, email = self.random.choice(NAMES)
        told = {"reason": "不正取得分の回収", "admin_id": self.uuid(), "balance_type": Purse.PERIOD_LIMITED.value}
        row = self._ledger("admin_deduction", -amount, at, metadata=told | {"idempotency_key": self.uuid()})
        self.tables.add(
            "admin_audit_log",
            id=self.uuid(),
            admin_user_id=told["admin_id"],
            action_type="percoin_deduction",
            target_type="user",
            target_id=self.user_id,
            metadata={
                "amount": amount,
                "reason": told["reason"],
                "balance_type": told["balance_type"],
                "user_name": name,
                "user_email": email,
            },
            created_at=at,
        )
        return row

    def expire(self, at: datetime) -> None:
        """The monthly expiry: logged beside the ledger, not in it."""
        for batch in [batch for batch in self.batches if batch.expire_at and batch.expire_at < at]:
            self.batches.remove(batch)
            self.tables.add(
                "free_percoin_expiration_log",
                id=self.uuid(),
                batch_id=batch.id,
                user_id=self.user_id,
                amount_expired=batch.remaining,
                original_amount=batch.amount,
                source=batch.source,
                granted_at=batch.granted_at,
                expire_at=batch.expire_at,
                reason="monthly_expiration",
                processed_at=at,
            )
            self.moved_at = at

    def close(self) -> None:
        """Writes down what is left in the purses."""
        self.tables.add(
            "user_credits",
            id=self.uuid(),
            user_id=self.user_id,
            balance=self.balance,
            paid_balance=self.paid,
            created_at=self.moved_at,
            updated_at=self.moved_at,
        )
        for batch in self.batches:
            self.tables.add(
                "free_percoin_batches",
                id=batch.id,
                user_id=self.user_id,
                amount=batch.amount,
                source=batch.source,
                remaining_amount=batch.remaining,
                granted_at=batch.granted_at,
                expire_at=batch.expire_at,
                credit_transaction_id=batch.transaction,
            )

    # What each movement is made of -----------------------------------------------------------------------------------

    def _ledger(self, kind: str, amount: int, at: datetime | None, *, recorded: bool = True, **columns: Any) -> Row:
        row = {"id": self.uuid(), "user_id": self.user_id, "amount": amount, "transaction_type": kind, **columns}
        row |= {"created_at": at}
        self.moved_at = at or self.moved_at
        return self.tables.add("credit_transactions", **row) if recorded else row

    def _batch(self, amount: int, at: datetime, expire_at: datetime | None, source: str, transaction: str) -> None:
        self.batches.append(Batch(self.uuid(), amount, amount, at, expire_at, source, transaction))

    def _spend(self, parts: list[Part]) -> None:
        for part in parts:
            if part.batch:
                part.batch.remaining -= part.amount
            else:
                self.paid -= part.amount
        self.batches = [batch for batch in self.batches if batch.remaining]

    def _allocate(self, job: Row, row: Row, parts: list[Part], at: datetime) -> list[Row]:
        return [
            self.tables.add(
                "generation_percoin_allocations",
                id=self.uuid(),
                job_id=job["id"],
                user_id=self.user_id,
                amount=part.amount,
                consumption_transaction_id=row["id"],
                allocation_kind=part.purse.value,
                created_at=at,
                **_source_of(part.batch),
            )
            for part in parts
        ]


def _refunded(job_id: str | None) -> dict[str, Any]:
    return {"job_id": job_id, "reason": "image_generation_failed", "source": "edge_function"}


def _source_of(batch: Batch | None) -> dict[str, Any]:
    if batch is None:
        return {}
    return {"source_batch_id": batch.id, "source_expire_at": batch.expire_at}
