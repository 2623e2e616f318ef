"""One key seen from both sides: what the ledger holds under it, what the console says of it, and what disagrees."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from adjustments.models import AdjustmentLine
from adjustments.reconciliation.models import Kind
from adjustments.states import Outcome, State
from systems.base import Correction, CorrectionKind, NotOffered, System

GRACE = timedelta(minutes=5)  # what is under way for less is nobody's fault
DRIVEN = frozenset({State.APPROVED, State.NEEDS_ATTENTION})


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A row of the key table."""

    key: UUID
    content_hash: str
    outcome: Outcome
    receipt: dict[str, Any] | None
    at: datetime

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> "Kept":
        key, content_hash, outcome, receipt, at = row
        return cls(
            key=UUID(str(key)),
            content_hash=content_hash,
            outcome=Outcome(outcome),
            receipt=json.loads(receipt) if isinstance(receipt, str) else receipt,
            at=(datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC),
        )


@dataclass(frozen=True, kw_only=True)
class Problem:
    kind: Kind
    key: UUID
    line: AdjustmentLine | None
    detail: dict[str, Any]


def is_posted_by_key(system: System, code: str) -> bool:
    """Whether a correction leaves a key in the ledger. One that the room no longer offers did, as far as we know."""
    try:
        return system.correction(code).kind == CorrectionKind.POSTING
    except NotOffered:
        return True


def compare(
    system: System, cursor: Any, key: UUID, kept: Kept | None, line: AdjustmentLine | None, now: datetime
) -> Iterator[Problem]:
    def problem(kind: Kind, ledger: Any, console: Any) -> Problem:
        return Problem(kind=kind, key=key, line=line, detail={"ledger": ledger, "console": console})

    if kept is None and line is None:
        return
    if line is None:
        yield problem(Kind.KEY_WITHOUT_REQUEST, kept.outcome.value, None)
    elif kept is None:
        if kind := _lacking(line, now):
            yield problem(kind, None, line.outcome)
    else:
        yield from _both(system, cursor, kept, line, now, problem)


def _lacking(line: AdjustmentLine, now: datetime) -> Kind | None:
    if line.outcome in (Outcome.POSTED, Outcome.VOID):
        return Kind.LINE_WITHOUT_KEY
    request = line.adjustment
    waits = line.outcome == Outcome.WAITING and line.revision == request.revision and request.state == State.APPROVED
    return Kind.APPROVED_WITHOUT_ROW if waits and request.approved_at <= now - GRACE else None


def _both(
    system: System, cursor: Any, kept: Kept, line: AdjustmentLine, now: datetime, problem: Any
) -> Iterator[Problem]:
    signed = _signed(line)
    if kept.content_hash != signed:
        yield problem(Kind.CONTENT_DIFFERS, kept.content_hash, signed)
    if line.outcome == Outcome.WAITING:
        if kept.at <= now - GRACE:
            yield problem(Kind.NOT_NOTED, kept.outcome.value, line.outcome)
    elif kept.outcome != line.outcome:
        yield problem(Kind.OUTCOME_DIFFERS, kept.outcome.value, line.outcome)
    elif kept.outcome == Outcome.POSTED:
        if kept.receipt != line.receipt:
            yield problem(Kind.RECEIPT_DIFFERS, kept.receipt, line.receipt)
        yield from _row(system, cursor, line, problem)


def _signed(line: AdjustmentLine) -> str:
    request = line.adjustment
    if line.revision == request.revision:
        return request.content_hash
    return request.revisions.get(number=line.revision).content_hash


def _row(system: System, cursor: Any, line: AdjustmentLine, problem: Any) -> Iterator[Problem]:
    """The row of the ledger itself, where the room says how to find it by its receipt."""
    correction = _correction(system, line)
    if correction is None or correction.ledger_row is None:
        return
    row = correction.ledger_row(cursor, line.receipt)
    if row is None:
        yield problem(Kind.ROW_GONE, None, line.amount)
    elif row["amount"] != line.amount:
        yield problem(Kind.ROW_DIFFERS, row["amount"], line.amount)


def _correction(system: System, line: AdjustmentLine) -> Correction | None:
    try:
        return system.correction(line.adjustment.correction)
    except NotOffered:
        return None
