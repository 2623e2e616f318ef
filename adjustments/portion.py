"""The lines of a request as its page shows them: counted by what became of them, a page at a time, or all as CSV."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Count, Max, Min, Q

from adjustments.models import Adjustment, AdjustmentLine, outcomes_of
from adjustments.states import Outcome
from billingadmin.amounts import Amount
from billingadmin.paging import Page, keyset_page

SIZE = 50
CSV_HEADER = [
    *("number", "subject", "customer", "anomaly", "amount", "unit", "outcome", "obstacle", "posted_at", "receipt"),
    *("particulars", "evidence", "key"),
]


@dataclass(frozen=True, kw_only=True)
class Group:
    """The lines that came to the same."""

    value: str
    label: Any
    count: int
    is_current: bool


class Portion:
    """``asked`` are the query's parameters: outcome, after, before. What makes no sense is left out."""

    def __init__(self, adjustment: Adjustment, asked: Mapping[str, str]) -> None:
        self.adjustment, self.asked = adjustment, asked

    @property
    def outcome(self) -> str:
        wanted = self.asked.get("outcome", "")
        return wanted if wanted in Outcome.values else ""

    @cached_property
    def counts(self) -> dict[str, int]:
        return outcomes_of(self.adjustment)

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    @cached_property
    def page(self) -> Page[AdjustmentLine]:
        lines = self.adjustment.lines.filter(revision=self.adjustment.revision).select_related("anomaly")
        lines = lines.filter(outcome=self.outcome) if self.outcome else lines
        cursors = {end: self.asked.get(end, "") for end in ("after", "before")}
        return keyset_page(lines, by=("number",), size=SIZE, **cursors)

    @property
    def groups(self) -> list[Group]:
        met = [outcome for outcome in Outcome if self.counts.get(outcome)]
        return [
            Group(value=one.value, label=one.label, count=self.counts[one], is_current=one == self.outcome)
            for one in met
        ]

    @cached_property
    def spread(self) -> dict[str, Any]:
        """The largest line, how many customers are touched and anomalies answered, and when the latest was posted."""
        of = self.adjustment.current_lines().order_by()
        found = of.aggregate(
            least=Min("amount"),
            most=Max("amount"),
            posted_at=Max("posted_at"),
            customers=Count("customer", distinct=True, filter=~Q(customer="")),
            anomalies=Count("anomaly", distinct=True),
        )
        return found | {"largest": max((found["least"] or 0, found["most"] or 0), key=abs)}


def csv_rows(adjustment: Adjustment) -> Iterator[list[Any]]:
    """Every line, with what became of it."""
    for line in adjustment.current_lines().iterator(chunk_size=500):
        yield [
            *(line.number, line.subject, line.customer, line.anomaly_id or ""),
            *(Amount(line.amount, line.unit).plain(), line.unit, line.outcome, line.obstacle, line.posted_at or ""),
            *(_json(line.receipt), _json(line.particulars), _json(line.evidence), line.key),
        ]


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
