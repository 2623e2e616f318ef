"""What waits under a freeze, and which deadlines break; of one that stands, or one only thought of."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from adjustments.freezes.models import Freeze, Scope
from adjustments.models import Adjustment
from adjustments.states import State
from billingadmin.amounts import Amount
from billingadmin.sql import statement

SQL = Path(__file__).with_name("freezes.sql")
SOON = timedelta(hours=4)


@dataclass(frozen=True, kw_only=True)
class Held:
    """A request of which lines are held: how many, what they sum up to, and what breaks when."""

    adjustment: Adjustment
    lines: int
    amount: Amount
    due_at: datetime | None

    @property
    def is_for_approval(self) -> bool:
        """Whether the deadline is the one to approve; else it is the one to apply."""
        return self.adjustment.state == State.PENDING

    def breaks_soon(self, now: datetime) -> bool:
        return self.due_at is not None and self.due_at - now < SOON


@dataclass(frozen=True, kw_only=True)
class Waiting:
    requests: Sequence[Held]

    @property
    def count(self) -> int:
        return len({one.adjustment.pk for one in self.requests})

    @property
    def lines(self) -> int:
        return sum(one.lines for one in self.requests)

    @property
    def sums(self) -> list[Amount]:
        """What is held back, unit by unit."""
        totals: dict[str, int] = defaultdict(int)
        for one in self.requests:
            totals[one.amount.unit] += one.amount.value
        return [Amount(total, unit) for unit, total in sorted(totals.items())]

    @property
    def deadlines(self) -> list[Held]:
        """What breaks if the freeze stays, in the order in which it breaks."""
        return [one for one in self.requests if one.due_at]

    @property
    def first_breaks_at(self) -> datetime | None:
        return self.deadlines[0].due_at if self.deadlines else None


def waiting_under(scope: Scope) -> Waiting:
    rows = _rows("waiting", scope=json.dumps(asdict(scope)))
    adjustments = Adjustment.objects.select_related("proposed_by").in_bulk([row["id"] for row in rows])
    return Waiting(
        requests=[
            Held(
                adjustment=adjustments[row["id"]],
                lines=row["lines"],
                amount=Amount(row["amount"], row["unit"]),
                due_at=row["due_at"],
            )
            for row in rows
            if row["id"] in adjustments
        ]
    )


def freezes_on(adjustment: Adjustment) -> list[Freeze]:
    """The freezes that hold a part of this request, the oldest first."""
    found = Freeze.objects.raw(statement(SQL, "covering"), {"request": adjustment.pk})
    return list(found.prefetch_related("frozen_by"))


def held_by_system() -> dict[str, dict[str, Any]]:
    """For each system under a freeze that holds something: how many requests, and when the first deadline breaks."""
    if not Freeze.objects.active().exists():
        return {}
    return {row["system"]: row for row in _rows("held")}


def _rows(name: str, **parameters: Any) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, name), parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
