"""Detection in imagegen at a million jobs: a window of two hours, and the whole history.

    .venv/bin/python bench/detection.py [--jobs 1000000] [--keep]

Makes three sources of its own in the tests' cluster, with the indexes that prepare_source recommends: a tenth of the
jobs, all of them for many users, and all of them for users with a thousand jobs each. Measures the real machinery with
all rules, compares what it finds with a straightforward statement, and drops the sources. Exits 1 when it falls short.
"""

import argparse
import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # not this folder: its queue.py would hide the library's
os.environ["DJANGO_SETTINGS_MODULE"] = "billingadmin.tests.settings"

import django  # noqa: E402

django.setup()

import psycopg  # noqa: E402
from django.db import connections  # noqa: E402

from billingadmin.postgres import embedded  # noqa: E402
from billingadmin.sql import statement  # noqa: E402
from systems import facts, registry  # noqa: E402
from systems.base import Finding  # noqa: E402
from systems.reading import reading  # noqa: E402

SQL = Path(__file__).with_suffix(".sql")
IMAGEGEN = registry.get("imagegen")
SCHEMA = Path(registry.__file__).parent / "imagegen" / "schema.sql"
NOW = datetime(2026, 11, 2, tzinfo=UTC)
SINCE = NOW - timedelta(hours=2)
RECENT = 228  # jobs in the window: what a million a year come to
TRIES = 31
SWEEPS = 5
ANOMALIES = {
    "refund_for_succeeded_job",
    "consumption_without_refund_for_failed_job",
    "succeeded_job_without_consumption",
}

GROWTH = 1.5
WINDOW_MS = 50
SPEEDUP = 200
COPIES = 2
MEGABYTES = 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--keep", action="store_true", help="leave the sources, and use them if they are there")
    options = parser.parse_args()
    sources = [
        Scratch("small", options.jobs // 10, users=options.jobs // 100),
        Scratch("many users", options.jobs, users=options.jobs // 10),
        Scratch("busy users", options.jobs, users=options.jobs // 1000),
    ]
    try:
        for source in sources:
            source.build()
        held = [*windows(*sources), *(verdict for source in sources[1:] for verdict in sweep(source))]
    finally:
        for source in sources:
            source.close(drop=not options.keep)
    return 0 if all(held) else 1


def short(what: str, value: float, limit: float, unit: str, *, at_least: bool = False) -> bool:
    """Prints a figure beside its limit, and whether it holds."""
    holds = value >= limit if at_least else value <= limit
    bound = "at least" if at_least else "at most"
    print(f"  {'ok   ' if holds else 'SHORT'} {what}: {value:,.2f}{unit} ({bound} {limit:,}{unit})")
    return holds


class Scratch:
    """A source in the tests' cluster, filled by SQL, read by the role that reads in production."""

    def __init__(self, label: str, jobs: int, *, users: int) -> None:
        self.label, self.jobs, self.users = label, jobs, users
        self.name = f"bench_detection_{jobs}_{users}"
        self.owner: Any = None

    def build(self) -> None:
        with _superuser("postgres") as cluster:
            (there,) = cluster.execute(statement(SQL, "there"), [self.name]).fetchone()
            if not there:
                cluster.execute(f"create database {self.name}")
        self.owner = _superuser(self.name)
        if not there:
            print(f"Making {self.jobs:,} jobs of {self.users:,} users …", flush=True)
            self.fill()

    def fill(self) -> None:
        told = {"jobs": self.jobs, "users": self.users, "recent": RECENT, "now": NOW}
        self.owner.execute(SCHEMA.read_text(encoding="utf-8"))
        with psycopg.ClientCursor(self.owner) as cursor:
            for name in ("jobs", "oddities", "charges", "charges_again", "refunds"):
                cursor.execute(statement(SQL, name), told)
        self.owner.execute("grant select on all tables in schema public to imagegen_reader")
        self.index()

    def index(self) -> None:
        for index in IMAGEGEN.indexes:
            self.owner.execute(index.statement)
        self.owner.execute("vacuum analyze")

    def without_indexes(self) -> None:
        for index in IMAGEGEN.indexes:
            self.owner.execute(f"drop index public.{index.name}")

    def read(self) -> None:
        """From here on, the room's source is this one."""
        connection = connections["imagegen"]
        connection.close()
        connection.settings_dict["NAME"] = self.name

    def close(self, *, drop: bool) -> None:
        connections["imagegen"].close()
        if self.owner:
            self.owner.close()
            with _superuser("postgres") as cluster:
                if drop:
                    cluster.execute(f"drop database {self.name}")


def _superuser(database: str) -> psycopg.Connection:
    return psycopg.connect(embedded.url("test", user=embedded.SUPERUSER, database=database), autocommit=True)


# A window ------------------------------------------------------------------------------------------------------------


def windows(small: Scratch, many: Scratch, busy: Scratch) -> Iterator[bool]:
    found = [{told(finding) for finding in detected(source, SINCE).findings} for source in (small, many, busy)]
    print(f"\nA window of two hours, {RECENT} jobs in it, all rules: {len(found[1])} findings")
    yield same("as many findings in each source", len({len(one) for one in found}) == 1)
    for source in (many, busy):
        yield from window(small, source)


def window(small: Scratch, source: Scratch) -> Iterator[bool]:
    print(f"\n{source.jobs:,} jobs, {source.label}")
    pairs = [(detected(small, SINCE), detected(source, SINCE)) for _ in range(TRIES)]
    growth = median(large.milliseconds / little.milliseconds for little, large in pairs)
    yield short(f"time, against {small.jobs:,} jobs", growth, GROWTH, " times")
    ours = min(large.milliseconds for _, large in pairs)  # what it costs when nobody else wants the machine
    yield short("database time", ours, WINDOW_MS, " ms")
    yield from against_the_straightforward(source, ours)
    yield from unindexed(source)


def against_the_straightforward(source: Scratch, ours: float) -> Iterator[bool]:
    (theirs, rows), *_slower = sorted((straightforward(source) for _ in range(SWEEPS)), key=lambda one: one[0])
    anomalies = {told(finding) for finding in detected(source, SINCE).findings if finding.rule in ANOMALIES}
    yield same(f"the same {len(rows)} anomalies as the straightforward way, {theirs:,.0f} ms", rows == anomalies)
    yield short("faster than that", theirs / ours, SPEEDUP, " times", at_least=True)


def straightforward(source: Scratch) -> tuple[float, set[tuple[str, str, str]]]:
    with psycopg.ClientCursor(source.owner) as cursor:
        began = perf_counter()
        cursor.execute(statement(SQL, "straightforward"), {"since": SINCE})
        return (perf_counter() - began) * 1000, set(cursor.fetchall())


def unindexed(source: Scratch) -> Iterator[bool]:
    """It works without the recommended indexes, at a cost."""
    indexed = {told(finding) for finding in detected(source, SINCE).findings}
    source.without_indexes()
    bare = detected(source, SINCE)
    yield same(f"the same findings without the indexes, {bare.milliseconds:,.0f} ms", indexed == set(map(told, bare)))
    source.index()


def same(what: str, holds: bool) -> bool:
    print(f"  {'ok   ' if holds else 'SHORT'} {what}")
    return holds


def told(finding: Finding) -> tuple[str, str, str]:
    _system, rule, subject, *transactions = finding.fingerprint.split(":")
    return rule, subject, ":".join(transactions)


class detected:
    """What all rules find in a source, and how long the database took."""

    def __init__(self, source: Scratch, since: datetime | None, progress: Callable = lambda *told: None) -> None:
        source.read()
        self.milliseconds = 0.0
        began = perf_counter()
        with connections["imagegen"].execute_wrapper(self.timed), reading(IMAGEGEN, now=NOW, timeout_ms=300_000) as ask:
            window = facts.Window(since=since)
            self.findings = [
                finding
                for number, of in enumerate(IMAGEGEN.facts)
                for finding in facts.findings(IMAGEGEN, ask, of, window, steps(progress, number))
            ]
        self.seconds = perf_counter() - began

    def timed(self, execute: Callable, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        began = perf_counter()
        try:
            return execute(sql, parameters, many, context)
        finally:
            self.milliseconds += (perf_counter() - began) * 1000

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)


def steps(progress: Callable, number: int) -> Callable[[int, int], None]:
    return lambda done, total: progress(number + done / total)


# All history ---------------------------------------------------------------------------------------------------------


def sweep(source: Scratch) -> Iterator[bool]:
    print(f"\nAll history of {source.jobs:,} jobs, {source.label}, all rules")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ratios, seconds, count = [], [], 0
    for _ in range(SWEEPS):
        copied = copy_both(source)
        with bar() as progress:
            run = detected(source, None, progress)
        count = len(run.findings)
        ratios.append(run.seconds / copied)
        seconds.append(run.seconds)
    print(f"        {count:,} findings in {median(seconds):.2f} s")
    yield short("time, against COPY of both tables to nowhere", median(ratios), COPIES, " times")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    yield short("memory it grew by", grown, MEGABYTES, " MB")


def copy_both(source: Scratch) -> float:
    began = perf_counter()
    for name in ("copy_jobs", "copy_ledger"):
        source.owner.execute(statement(SQL, name))
    return perf_counter() - began


@contextmanager
def bar() -> Iterator[Callable[[float], None]]:
    """A progress bar, on a terminal."""
    width = 40

    def draw(done: float) -> None:
        filled = int(width * done / len(IMAGEGEN.facts))
        sys.stderr.write(f"\r  [{'#' * filled}{'.' * (width - filled)}]")
        sys.stderr.flush()

    yield draw if sys.stderr.isatty() else lambda done: None
    if sys.stderr.isatty():
        sys.stderr.write("\r" + " " * (width + 4) + "\r")


if __name__ == "__main__":
    sys.exit(main())
