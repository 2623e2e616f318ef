"""The queue at a million anomalies: any filter, any order, the first page and one a thousand pages deep.

    .venv/bin/python bench/queue.py [--rows 1000000] [--keep]

Makes a database of its own in the tests' cluster, measures, compares every page with what a plain query gives, and
drops the database. Exits 1 when a page takes more than 60 ms, or a deep page much longer than the first.

Measured is the work of this process and of the database's, by the processor's clock where the system tells it (Linux):
that is the time a page takes when nobody else wants the machine. What passed on the wall is printed beside it.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # not this folder: it would hide the library's queue
os.environ["DJANGO_SETTINGS_MODULE"] = "billingadmin.tests.settings"

import django  # noqa: E402

django.setup()

from django.db import connection, connections  # noqa: E402

from anomalies import queue  # noqa: E402
from anomalies.models import Anomaly  # noqa: E402
from anomalies.queue import Filter, Order  # noqa: E402
from billingadmin.paging import SIZE, cursor_at  # noqa: E402
from billingadmin.sql import statement  # noqa: E402

SQL = Path(__file__).with_suffix(".sql")
NAME = "bench_queue"
NOW = datetime(2026, 11, 2, tzinfo=UTC)
LIMIT_MS = 60
DEEP = 1_000
TRIES = 7  # the least counts

FILTERS = {
    "open": Filter(),
    "cleared": Filter(state="cleared"),
    "dismissed": Filter(state="dismissed"),
    "system": Filter(system="system3"),
    "a rule": Filter(rule=("system3", "rule37")),
    "a rule, old only": Filter(rule=("system2", "rule20")),
    "a rule with ten": Filter(rule=("system1", "rule19")),
    "severity": Filter(severity="critical"),
    "system and severity": Filter(system="system2", severity="notice"),
    "mine": Filter(owner=7),
    "somebody's": Filter(owner=3),
    "nobody's": Filter(nobody=True),
    "nobody's of a system": Filter(nobody=True, system="system1"),
    "over 30 days": Filter(until=NOW - timedelta(days=30)),
    "over 300 days": Filter(until=NOW - timedelta(days=300)),
    "under a day": Filter(since=NOW - timedelta(days=1)),
    "system, severity, nobody's, old": Filter(
        system="system3", severity="minor", nobody=True, until=NOW - timedelta(days=100)
    ),
    "one id": Filter(text="777000"),
    "one user": Filter(text="user42"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keep", action="store_true", help="leave the database, and use it if it is there")
    options = parser.parse_args()
    with scratch(options.keep):
        fill(options.rows)
        print(f"{Anomaly.objects.count():,} anomalies, {len(queue.cells())} cells; milliseconds, least of {TRIES}\n")
        print(f"{'filter':<34}{'order':<10}{'first':>8}{'deep':>8}   {'page':>6}   {'elapsed':>15}")
        return report(list(measured()))


class scratch:
    """A database beside the tests', with the same migrations and the same grants."""

    def __init__(self, keep: bool) -> None:
        self.keep, self.owner = keep, connections["owner"]

    def __enter__(self) -> None:
        self.name = self.owner.settings_dict["NAME"]
        self.owner.settings_dict["TEST"]["NAME"] = NAME
        self.owner.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False, keepdb=self.keep)
        connections["default"].creation.set_as_test_mirror(self.owner.settings_dict)

    def __exit__(self, *failure: object) -> None:
        connections["default"].close()
        self.owner.creation.destroy_test_db(self.name, verbosity=0, keepdb=self.keep)


def fill(rows: int) -> None:
    if Anomaly.objects.exists():
        return
    with connections["owner"].cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        cursor.execute(statement(SQL, "people"), {"now": NOW})
        cursor.execute(statement(SQL, "anomalies"), {"now": NOW, "rows": rows})
        cursor.execute("set session_replication_role = origin")
        cursor.execute("vacuum analyze anomalies_anomaly")


def measured() -> Iterator[tuple[float, float]]:
    for name, wanted in FILTERS.items():
        for order in Order:
            first, elapsed, rows = timed(lambda: page(wanted, order))  # noqa: B023
            check(rows, wanted, order, 0)
            number, cursor = deep_cursor(wanted, order)
            deep, elapsed_deep, rows = timed(lambda: page(wanted, order, after=cursor))  # noqa: B023
            check(rows, wanted, order, number)
            check_back(wanted, order, number, cursor)
            told = f"{name:<34}{order:<10}{first:>8.1f}{deep:>8.1f}   {number:>6,}"
            print(f"{told}   {elapsed:>7.1f}{elapsed_deep:>8.1f}", flush=True)
            yield first, deep


def page(wanted: Filter, order: Order, **cursor: str) -> Any:
    """What the server does for one page of the queue: the cells, the counts of the tabs, the rows."""
    cells = queue.cells()
    queue.counts(wanted, cells)
    return queue.page(wanted, order, cells, **cursor)


def timed(call: Callable[[], Any]) -> tuple[float, float, Any]:
    """The least work and the least time that passed, in milliseconds, and what came of it."""
    work, elapsed, result = [], [], None
    for _ in range(TRIES):
        before, began = worked(), perf_counter()
        result = call()
        elapsed.append((perf_counter() - began) * 1000)
        work.append(worked() - before)
    return min(work), min(elapsed), result


def worked() -> float:
    """Milliseconds that this process and its database process have worked so far."""
    backend = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    try:
        return process_time() * 1000 + int(backend.read_text().split()[0]) / 1e6
    except OSError:
        return perf_counter() * 1000


# What a plain query gives: slow, and right


def plain(wanted: Filter, order: Order) -> Any:
    found = Anomaly.objects.filter(state=wanted.state)
    if wanted.text:
        found = found.naming(wanted.text)
    if wanted.rule:
        found = found.filter(system=wanted.rule[0], rule=wanted.rule[1])
    if wanted.nobody:
        found = found.unclaimed()
    exact = {"system": wanted.system, "severity": wanted.severity, "owner": wanted.owner}
    exact |= {"observed_at__gte": wanted.since, "observed_at__lt": wanted.until}
    return found.filter(**{name: value for name, value in exact.items() if value}).order_by(*queue.COLUMNS[order])


def deep_cursor(wanted: Filter, order: Order) -> tuple[int, str]:
    """The cursor that leads to the thousandth page, or to the last full one there is."""
    found = plain(wanted, order)
    number = max(0, min(DEEP, (found.count() - 1) // SIZE))
    columns = [name.removeprefix("-") for name in queue.COLUMNS[order]]
    return number, cursor_at(found[number * SIZE - 1], columns) if number else ""


def check(shown: Any, wanted: Filter, order: Order, number: int) -> None:
    right = plain(wanted, order).values_list("pk", flat=True)[number * SIZE : (number + 1) * SIZE]
    assert [row.pk for row in shown.rows] == list(right), (wanted, order, number)


def check_back(wanted: Filter, order: Order, number: int, cursor: str) -> None:
    if number:
        there = page(wanted, order, after=cursor)
        check(page(wanted, order, before=there.before), wanted, order, number - 1)


def report(spent: list[tuple[float, float]]) -> int:
    slowest = max(max(pair) for pair in spent)
    steepest = max(deep / first for first, deep in spent if deep > 5)
    print(f"\nslowest page {slowest:.1f} ms (limit {LIMIT_MS}); deepest page at most {steepest:.1f} times the first")
    return 0 if slowest <= LIMIT_MS and steepest <= 2 else 1


if __name__ == "__main__":
    sys.exit(main())
