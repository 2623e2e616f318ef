"""Whether the audit log, the requests and the ledgers tell the same: every row has its entry, every entry its row.

The log and the console's own rows are held against each other in a few statements over all of them. The ledgers are not
asked here, which only the worker may: what its reconciliations found is told, and what they have not looked at.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from adjustments.reconciliation.models import Answer, Kind
from adjustments.reconciliation.models import Discrepancy as OfLedger
from adjustments.states import Outcome, Verdict
from audit.inspection import Discrepancy
from billingadmin.sql import statement

SQL = Path(__file__).with_name("crosscheck.sql")
MOST = 500  # told of one statement; the rest is told when these are mended
FRESH = timedelta(hours=26)  # the ledgers are compared hourly, and wholly once a day
VERBS = (
    *("proposed", "edited", "approved", "rejected", "withdrawn", "expired", "cancelled", "stopped", "retried"),
    "applied",
)
SAID = {Verdict.APPROVE: "approval_given", Verdict.REJECT: "rejection_given"}
ASKED = {
    "moves": [f"adjustment_{verb}" for verb in VERBS],
    "decisions": [f"adjustment_{SAID.get(verdict, f'{verdict}_asked')}" for verdict in Verdict],
    "outcomes": [f"adjustment_line_{outcome}" for outcome in Outcome],
    "most": MOST,
}
OF_ROWS = ("requests", "revisions", "lines_as_signed", "decisions", "lines")
UNFINISHED = frozenset({Kind.NOT_NOTED, Kind.APPROVED_WITHOUT_ROW})  # the next run may still bring it to its end


def discrepancies() -> Iterator[Discrepancy]:
    for name in OF_ROWS:
        yield from _of_rows(name)
    yield from _unasked_ledgers()
    yield from _of_ledgers()


def _of_rows(name: str) -> Iterator[Discrepancy]:
    try:
        with transaction.atomic():
            rows = _rows(name)
    except DatabaseError as error:
        why = str(error).strip().splitlines()[0]
        yield Discrepancy(what="not_comparable", target=name, detail=why, certain=False)
        return
    for what, target, position, *detail in rows:
        yield Discrepancy(what=what, target=f"adjustment {target}", position=position, detail=" ".join(detail))


def _rows(name: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, name), ASKED)
        return cursor.fetchall()


def _of_ledgers() -> Iterator[Discrepancy]:
    for one in OfLedger.objects.open().select_related("adjustment").order_by("pk")[:MOST]:
        about = f"adjustment {one.adjustment_id}" if one.adjustment_id else f"ledger of {one.system}"
        yield Discrepancy(what=one.kind, target=about, detail=f"key {one.key}", certain=one.kind not in UNFINISHED)


def _unasked_ledgers() -> Iterator[Discrepancy]:
    """A ledger that holds something of ours and was not compared of late: nobody can tell."""
    now = timezone.now()
    for system, answer, why, _at, done_at in _rows("ledgers"):
        if answer == Answer.CANNOT_TELL:
            yield Discrepancy(what="ledger_not_comparable", target=system, detail=why, certain=False)
        elif done_at is None:
            yield Discrepancy(what="ledger_never_asked", target=system, certain=False)
        elif now - done_at > FRESH:
            since = f"last compared at {done_at:%Y-%m-%d %H:%M} UTC"
            yield Discrepancy(what="ledger_not_asked_of_late", target=system, detail=since, certain=False)
