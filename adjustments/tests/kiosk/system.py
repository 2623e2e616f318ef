from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from billingadmin.sql import statement
from systems.base import (
    Correction,
    CorrectionKind,
    Facts,
    Line,
    Posting,
    Refused,
    Row,
    Rule,
    Runbook,
    Severity,
    Source,
    System,
)

SQL = Path(__file__).with_name("source.sql")


def takings(source: Source, keys: Any) -> Iterable[Row]:
    return [{**row, "paid": bool(row["paid"])} for row in source.rows("takings") if row["drink"] in keys]


def draft(source: Source, drink: str) -> Sequence[Line]:
    found = source.one("drink", drink=int(drink))
    if not found:
        raise Refused(f"There is no drink {drink}.")
    return [Line(subject=drink, amount=found["price"], unit="JPY", particulars={"drink": drink})]


def evidence(cursor: Any, line: Line, lock: bool) -> Row | None:
    cursor.execute(statement(SQL, "drink"), {"drink": int(line.subject)})
    found = cursor.fetchone()
    return {"drink": found[0], "price": found[1]} if found else None


def effects(cursor: Any, line: Line) -> Mapping[str, tuple[int, str]]:
    cursor.execute(statement(SQL, "rung_up"), {})
    return {"the till": (cursor.fetchone()[0], "JPY")}


def ring_up(cursor: Any, line: Line, posting: Posting) -> dict[str, Any]:
    said = {"drink": int(line.subject), "amount": line.amount, "said": posting.reason}
    cursor.execute(statement(SQL, "ring_up"), said)
    return {"entry": cursor.lastrowid}


def till_entry(cursor: Any, receipt: Mapping[str, Any]) -> Row | None:
    cursor.execute(statement(SQL, "till_entry"), {"entry": receipt["entry"]})
    found = cursor.fetchone()
    return {"amount": found[0]} if found else None


SYSTEM = System(
    slug="kiosk",
    label="Kiosk",
    unit="JPY",
    zone=ZoneInfo("Asia/Tokyo"),
    engine="sqlite",
    facts=(
        Facts(
            name="takings",
            kind="drink",
            subject="drink",
            subject_type="text",
            booleans={"paid": "The till has it."},
            compute=takings,
        ),
    ),
    rules=(
        Rule(
            code="unpaid",
            title="Handed out, not paid",
            why="The till knows nothing of the drink.",
            facts="takings",
            when={"paid": False},
            severity=Severity.MAJOR,
            observed_at="handed_out_at",
        ),
    ),
    subjects=(),
    corrections=(
        Correction(
            code="ring_up",
            title="Ring it up",
            what="Writes an entry into the till.",
            kind=CorrectionKind.POSTING,
            answers=("unpaid",),
            subject_kind="drink",
            unit="JPY",
            particulars=("drink",),
            draft=draft,
            evidence=evidence,
            effects=effects,
            post=ring_up,
            ledger_row=till_entry,
            customer="",
        ),
    ),
    probes=(),
    runbook=Runbook(),
    pages=(),
    jobs=(),
    indexes=(),
    demo=None,
)
