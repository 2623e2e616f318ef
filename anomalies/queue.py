"""The queue: one state's anomalies under any filter, in one of three orders, a page at a time.

However many there are, and however rare a match is, a page costs about the same. Anomalies lie in *cells* of one state,
system, rule and urgency; within a cell an index holds them in order of time and of amount. A page asks each cell that
the filter lets through for its first rows, and merges. What is typed into the search field is looked up by identifier
first, and is few.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from anomalies.identifiers import identifier
from anomalies.models import Anomaly, AnomalyQuerySet
from anomalies.models.states import URGENCY, State
from billingadmin.amounts import CAP
from billingadmin.http import BadCursor, decode_cursor
from billingadmin.paging import SIZE, Page, cursor_at, keyset_page
from billingadmin.sql import statement

SQL = Path(__file__).with_name("queue.sql")
BEGINNING = (datetime.min.replace(tzinfo=UTC), 0)
END = (datetime(MAXYEAR, 12, 31, tzinfo=UTC), 2**63 - 1)


class Order(models.TextChoices):
    NEWEST = "newest", _("newest first")
    URGENT = "urgent", _("most urgent first, then oldest")
    LARGEST = "largest", _("most at risk first")


COLUMNS = {
    Order.NEWEST: ("-observed_at", "-pk"),
    Order.URGENT: ("urgency", "observed_at", "pk"),
    Order.LARGEST: ("-at_risk", "-observed_at", "-pk"),
}
KINDS = {Order.NEWEST: (datetime, int), Order.URGENT: (int, datetime, int), Order.LARGEST: (int, datetime, int)}


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a page of the queue shows. Empty lets everything through."""

    state: str = State.OPEN
    system: str = ""
    rule: tuple[str, str] | None = None  # system and code
    severity: str = ""
    owner: int | None = None
    nobody: bool = False
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    def lets_through(self, cell: "Cell") -> bool:
        return (
            self.system in ("", cell.system)
            and self.rule in (None, (cell.system, cell.rule))
            and self.severity in ("", cell.severity)
        )


@dataclass(frozen=True)
class Cell:
    state: str
    system: str
    rule: str
    urgency: int

    @property
    def severity(self) -> str:
        return next((severity for severity, rank in URGENCY.items() if rank == self.urgency), "")


def cells() -> list[Cell]:
    """All there are. A few leaps through an index, however many anomalies they hold."""
    return [Cell(*row) for row in _ask("cells")]


def owners() -> list[int]:
    return [row[0] for row in _ask("owners")]


def page(
    wanted: Filter, order: Order, among: Iterable[Cell], *, after: str = "", before: str = "", size: int = SIZE
) -> Page[Anomaly]:
    """One page. A cursor that is not ours, or leads past an end, gives the first."""
    if wanted.text:
        return keyset_page(narrowed(wanted), by=COLUMNS[order], after=after, before=before, size=size)
    chosen = [cell for cell in among if cell.state == wanted.state and wanted.lets_through(cell)]
    start = _start(order, before or after)
    backwards = bool(before) and start is not None
    ids = _ids(wanted, order, chosen, start, backwards=backwards, size=size + 1)
    more, ids = len(ids) > size, ids[:size]
    if start is not None and not (more if backwards else ids):
        return page(wanted, order, chosen, size=size)
    rows = _rows(reversed(ids) if backwards else ids)
    columns = [name.removeprefix("-") for name in COLUMNS[order]]
    return Page(
        rows,
        before=cursor_at(rows[0], columns) if start is not None else "",
        after=cursor_at(rows[-1], columns) if more or backwards else "",
    )


def counts(wanted: Filter, among: Iterable[Cell]) -> dict[str, int]:
    """How many of each state the filter lets through, up to one more than the cap."""
    if wanted.text:
        found = narrowed(wanted, any_state=True).values_list("state").annotate(count=models.Count("pk"))
        return {**dict.fromkeys(State.values, 0), **dict(found)}
    chosen = [cell for cell in among if wanted.lets_through(cell)]
    told = {**_scope(wanted, chosen), "states": [cell.state for cell in chosen], "tabs": State.values, "cap": CAP + 1}
    return dict(_ask("counts", **told))


def what_waits() -> AnomalyQuerySet:
    """For the navigation, which counts."""
    return Anomaly.objects.open()


def open_like(anomaly: Anomaly) -> int:
    """How many of the same rule are open, up to one more than the cap."""
    return Anomaly.objects.open().filter(system=anomaly.system, rule=anomaly.rule)[: CAP + 1].count()


def narrowed(wanted: Filter, *, any_state: bool = False) -> AnomalyQuerySet:
    """The anomalies that name the identifier, as an ordinary queryset: there are never many."""
    named = [row[0] for row in _ask("naming", identifier=identifier(wanted.text), cap=CAP + 1)]
    found = Anomaly.objects.filter(pk__in=named).select_related("owner")
    exact = {"state": "" if any_state else wanted.state, "system": wanted.system, "severity": wanted.severity}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if wanted.rule:
        found = found.filter(system=wanted.rule[0], rule=wanted.rule[1])
    if wanted.nobody:
        found = found.unclaimed()
    limits = {"owner": wanted.owner, "observed_at__gte": wanted.since, "observed_at__lt": wanted.until}
    return found.filter(**{name: value for name, value in limits.items() if value is not None})


# Walking the cells ---------------------------------------------------------------------------------------------------


def _start(order: Order, cursor: str) -> tuple[Any, ...] | None:
    try:
        return decode_cursor(cursor, *KINDS[order]) if cursor else None
    except BadCursor:
        return None


def _ids(
    wanted: Filter, order: Order, chosen: Sequence[Cell], start: tuple[Any, ...] | None, *, backwards: bool, size: int
) -> list[int]:
    told = {**_scope(wanted, chosen), "state": wanted.state, "size": size}
    if order == Order.LARGEST:
        amount, at, pk = start or (None, None, None)
        name = "smallest" if backwards else "largest"
        return [row[0] for row in _ask(name, **told, from_amount=amount, from_at=at, from_id=pk)]
    ascending = (order == Order.URGENT) != backwards
    starts = [_cell_start(cell, order, start, wanted, ascending=ascending) for cell in chosen]
    told |= {"ats": [at for at, _pk in starts], "ids": [pk for _at, pk in starts]}
    name = "ascending" if ascending else "descending"
    return [row[0] for row in _ask(name, **told, by_urgency=order == Order.URGENT)]


def _cell_start(
    cell: Cell, order: Order, start: tuple[Any, ...] | None, wanted: Filter, *, ascending: bool
) -> tuple[datetime, int]:
    """Where a cell's part of the page begins: at the cursor, unless the cell lies wholly on one side of it."""
    if ascending:
        edges = [BEGINNING] + [(wanted.since, 0)] * (wanted.since is not None)
    else:
        edges = [END] + [(wanted.until, 0)] * (wanted.until is not None)
    if start and order == Order.NEWEST:
        edges.append(start)
    elif start and cell.urgency == start[0]:
        edges.append(start[1:])
    elif start and (cell.urgency < start[0]) == ascending:
        edges.append(END if ascending else BEGINNING)
    return max(edges) if ascending else min(edges)


def _scope(wanted: Filter, chosen: Sequence[Cell]) -> dict[str, Any]:
    return {
        "systems": [cell.system for cell in chosen],
        "rules": [cell.rule for cell in chosen],
        "urgencies": [cell.urgency for cell in chosen],
        "owner": wanted.owner,
        "nobody": wanted.nobody,
        "since": wanted.since,
        "until": wanted.until,
    }


def _rows(ids: Iterable[int]) -> list[Anomaly]:
    ids = list(ids)
    found = Anomaly.objects.select_related("owner").in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def _ask(name: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, name), parameters)
        return cursor.fetchall()
