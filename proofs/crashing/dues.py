"""The made-up rooms: people are owed dues, and each due is paid by one line of a request.

Nothing in the ledger itself keeps a due from being paid twice: only the console's key does, and a proof can count.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from billingadmin.sql import statement
from systems.base import Correction, CorrectionKind, Line, Posting, Refused, Row, Runbook, Source, System

SQL = Path(__file__).with_suffix(".sql")
CODE, KIND = "pay_dues", "dues"
CUSTOMERS = 7


def draft(source: Source, subject: str) -> Sequence[Line]:
    with source.connection.cursor() as cursor:
        cursor.execute(statement(SQL, "due"), {"due": int(subject)})
        found = cursor.fetchone()
    if not found:
        raise Refused(f"There is no due {subject}.")
    due, customer, amount = found
    return [Line(subject=subject, amount=amount, unit="JPY", particulars={"due": str(due), "customer": customer})]


def evidence(cursor: Any, line: Line, lock: bool) -> Row | None:
    cursor.execute(statement(SQL, "due"), {"due": int(line.subject)})
    found = cursor.fetchone()
    return dict(zip(("due", "customer", "amount"), found, strict=True)) if found else None


def effects(cursor: Any, line: Line) -> Mapping[str, tuple[int, str]]:
    cursor.execute(statement(SQL, "paid"), {"due": int(line.subject)})
    return {"paid": (int(cursor.fetchone()[0]), "JPY")}


def pay(cursor: Any, line: Line, posting: Posting) -> dict[str, Any]:
    cursor.execute(statement(SQL, "pay"), {"due": int(line.subject), "amount": line.amount})
    return {"payment": cursor.fetchall()[0][0]}  # all of it: SQLite does not commit a statement that still runs


def room(slug: str, engine: str) -> System:
    correction = Correction(
        code=CODE,
        title="Pay what is due",
        what="Writes one payment for each due.",
        kind=CorrectionKind.POSTING,
        answers=(),
        subject_kind=KIND,
        unit="JPY",
        particulars=("due",),
        draft=draft,
        evidence=evidence,
        effects=effects,
        post=pay,
        customer="customer",
    )
    nothing = dict.fromkeys(("facts", "rules", "subjects", "probes", "pages", "jobs", "indexes"), ())
    return System(
        slug=slug,
        label=slug.capitalize(),
        unit="JPY",
        zone=ZoneInfo("Asia/Tokyo"),
        engine=engine,
        corrections=(correction,),
        runbook=Runbook(),
        demo=None,
        **nothing,
    )
