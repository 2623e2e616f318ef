"""The stage: two ledgers with dues, requests of one to five lines made by the verbs, and the people who decide."""

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from django.db import connections
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import systems
from accounts.factories import stepped_up
from adjustments import applying, drafting, recovery, workflow
from adjustments.models import Adjustment
from billingadmin.databases import configured
from billingadmin.postgres import embedded
from billingadmin.sql import statement
from jobs.tests.worker import work_off
from proofs.crashing import deaths, dues
from systems import registry

ROOMS = ("proofs.crashing.granary", "proofs.crashing.cellar")
LEDGERS = ("granary", "cellar")
APPLIED = Path(systems.__file__).with_name("applied.sql")
SQL = Path(__file__).with_suffix(".sql")
MOST_LINES = 5
AT_ONCE = 10  # requests proposed before they are wanted
LATER = timedelta(minutes=2)  # when the recovery job comes by


@contextmanager
def ledgers(folder: Path) -> Iterator[None]:
    """The two rooms, connected: the granary beside the shop of the tests, the cellar in a file of its own."""
    urls = {f"CELLAR_{end}DATABASE_URL": f"sqlite:///{folder / 'cellar'}" for end in ("", "WRITER_")}
    written = configured({**urls, "DATABASE_URL": "postgresql:///unused"}, ["cellar"])["cellar_writer"]
    default = connections.settings["default"]
    cellar = {**default, **written, "TEST": default["TEST"]}
    places = {"granary": connections.settings["paperclips_writer"], "cellar": cellar}
    for slug, place in places.items():
        connections.settings[slug] = connections.settings[f"{slug}_writer"] = place
        connections[slug] = connections[f"{slug}_writer"]
    try:
        yield
    finally:
        for slug in places:
            connections[slug].close()
            for alias in (slug, f"{slug}_writer"):
                del connections.settings[alias]
                del connections[alias]


def built(slug: str) -> None:
    """Empty tables, with the key table beside them."""
    engine = registry.get(slug).engine
    with connections[f"{slug}_writer"].cursor() as cursor:
        for sql in statement(dues.SQL, f"tables_{engine}").split(";"):
            cursor.execute(sql)
        cursor.execute(statement(APPLIED, f"key_table_{engine}"))
        for table in ("payments_made", "dues", "billingadmin_applied"):
            cursor.execute(f"delete from {table}")


def owe(slug: str, run: Iterable[int]) -> None:
    with connections[f"{slug}_writer"].cursor() as cursor:
        for due in run:
            owed = {"due": due, "customer": f"c{due % dues.CUSTOMERS}", "amount": 100 + due}
            cursor.execute(statement(dues.SQL, "owe"), owed)


def asking(slug: str, run: Iterable[int]) -> drafting.Target:
    system = registry.get(slug)
    correction = system.correction(dues.CODE)
    asked = drafting.of_subjects(system, correction, [str(due) for due in run])
    return drafting.Target(system=system, correction=correction, asked=asked)


class Play:
    """Requests in numbers. ``seed`` makes the same ones again."""

    def __init__(self, proposer: Any, approver: Any, seed: int, *, filled: bool = False) -> None:
        self.filled = filled  # the dues are there already
        self.proposer, self.approver, self.chance = proposer, approver, random.Random(seed)
        self.next_due = dict.fromkeys(LEDGERS, 1)
        self.stock: dict[str, list[Adjustment]] = {slug: [] for slug in LEDGERS}

    def taken(self, slug: str) -> Adjustment:
        """A request whose preview has been answered, so that nothing waits for the worker but what is approved next."""
        if not self.stock[slug]:
            self.stock[slug] = [self.proposed(slug) for _ in range(AT_ONCE)]
            work_off("apply")
        return self.stock[slug].pop()

    def proposed(self, slug: str, lines: int = 0) -> Adjustment:
        """A request of so many lines, else of one to five."""
        count = lines or self.chance.randint(1, MOST_LINES)
        first = self.next_due[slug]
        self.next_due[slug] += count
        if not self.filled:
            owe(slug, range(first, first + count))
        target = asking(slug, range(first, first + count))
        now = timezone.now()
        seen = drafting.draft(target, now=now).seen
        reason = "The book of dues shows it."
        return workflow.propose(target=target, proposer=self.proposer, reason=reason, seen=seen, now=now)

    def approve(self, adjustment: Adjustment) -> Adjustment:
        now = timezone.now()
        return workflow.approve(
            adjustment=adjustment,
            approver=stepped_up(self.approver, adjustment, now),
            revision=adjustment.revision,
            seen=adjustment.content_hash,
            now=now,
        )


def one_run() -> None:
    """The recovery pass comes by, and a worker works until nothing waits."""
    recovery.recover(now=timezone.now() + LATER)
    work_off("apply")


def once_more() -> None:
    """What the dead left in their hands is given to others: by now all of it has been done."""
    for task in ProcrastinateJob.objects.filter(task_name="adjustments.apply", status="doing"):
        applying.enqueue(UUID(task.args["adjustment"]))
    work_off("apply")


class Server:
    """The server, asked by its superuser what became of the connections of the dead."""

    def __enter__(self) -> "Server":
        url = embedded.url("test", user=embedded.SUPERUSER, database="postgres")
        self.connection = psycopg.connect(url, autocommit=True)
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def bury(self) -> None:
        """Waits until it has seen that they are gone, as it has long before the recovery job comes by."""
        deadline = time.monotonic() + 10
        while self.connection.execute(statement(SQL, "doomed"), {"name": deaths.NAME}).fetchone()[0]:
            if time.monotonic() > deadline:
                raise TimeoutError("the server keeps connections of a dead process")
            time.sleep(0.005)


# What must be true afterwards ----------------------------------------------------------------------------------------


def ask(alias: str, path: Path, name: str, **parameters: Any) -> list[Sequence[Any]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement(path, name), parameters)
        return cursor.fetchall()


def shortcomings(slug: str) -> dict[str, int]:
    """Dues of this ledger's requests that were lost, doubled or paid wrongly, and requests told otherwise than once."""
    wanted = {int(due): amount for due, amount in ask("default", SQL, "wanted", system=slug)}
    paid = {due: (count, amount) for due, count, amount in ask(f"{slug}_writer", dues.SQL, "ledger")}
    keys = [str(key) for key, outcome in ask(f"{slug}_writer", dues.SQL, "keys") if outcome == "posted"]
    return {
        "lost": len(wanted.keys() - paid.keys()),
        "doubled": sum(count > 1 for count, _ in paid.values()),
        "unasked": len(paid.keys() - wanted.keys()),
        "wrong": sum(paid[due][1] != paid[due][0] * amount for due, amount in wanted.items() if due in paid),
        "keyless": len(set(keys) ^ {str(key) for (key,) in ask("default", SQL, "posted_keys", system=slug)}),
        "half": ask("default", SQL, "half_done", system=slug)[0][0],
        "untold": ask("default", SQL, "not_told_once", system=slug)[0][0],
    }
