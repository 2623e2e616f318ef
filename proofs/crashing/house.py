"""A console of its own on a cluster of its own, whose PostgreSQL is killed under load.

A process, because its settings are another's: ``python -m proofs.crashing.house [KILLS SEED [DEFECT]]``. It answers on
standard output, with a line for every kill and one at the end. Without arguments it is built, and that is all.
"""

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "proofs.crashing.settings"
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import Error, connections  # noqa: E402
from django.utils import timezone  # noqa: E402
from procrastinate.exceptions import ConnectorException  # noqa: E402

from accounts import demo  # noqa: E402
from adjustments import recovery  # noqa: E402
from audit import anchors  # noqa: E402
from audit.verification import Verdict, verify  # noqa: E402
from billingadmin.postgres import PostgresError, embedded, roles  # noqa: E402
from billingadmin.sql import statement  # noqa: E402
from jobs.tests.worker import work_off  # noqa: E402
from proofs.crashing import deaths, dues, stage  # noqa: E402
from proofs.crashing.deaths import CONSOLE, DECISION, Doom, Point, When  # noqa: E402
from systems.reading import SourceUnavailable  # noqa: E402

SQL = Path(__file__).with_suffix(".sql")
CLIENTS = 2
EACH = 500  # dues for one client between two kills
UNDER_LOAD = (0.4, 1.0)  # seconds from the first approval to the kill
STARTED_WITHIN = 60.0
UNSAFE = {"synchronous_commit": "off", "wal_writer_delay": "10s"}
BEFORE_COMMIT = Point("before the decision's commit", CONSOLE, When.BEFORE_COMMIT, DECISION)
SERVER_IS_GONE = (Error, SourceUnavailable, ConnectorException)  # as who works with it is told
SLOW = 0.5  # seconds between an early acknowledgement and its commit


class House:
    def __init__(self) -> None:
        self.lease = embedded.hold("site")
        roles.prepare("site", {"granary": "postgresql", "cellar": "sqlite"})
        call_command("migrate", verbosity=0)
        call_command("createcachetable", database="owner", verbosity=0)
        self.people = [demo.join(part, timezone.now()) for part in ("support", "approver")]

    def begin(self, kills: int) -> None:
        for slug in stage.LEDGERS:
            stage.built(slug)
            with connections[f"{slug}_writer"].cursor() as cursor:
                fill = f"fill_{connections[f'{slug}_writer'].vendor}"
                cursor.execute(statement(dues.SQL, fill), {"last": (kills + 1) * CLIENTS * EACH})

    def kill(self, number: int, chance: random.Random, defect: str) -> list[list[str]]:
        """One cycle: load, kill, start again. What was acknowledged meanwhile: request, and head of the audit log."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        connections.close_all()
        works = [self._client(number * CLIENTS + client, writing, defect) for client in range(CLIENTS)]
        processes = [deaths.born(work) for work in (*works, worker)]
        wait_for_one(reading)
        time.sleep(chance.uniform(*UNDER_LOAD))
        kill_server(all_of_it=number % 2 == 0)
        time.sleep(0.1)
        for process in processes:
            deaths.killed(process)
        os.close(writing)
        acknowledged = [line.split() for line in read_all(reading)]
        self.start_again()
        return acknowledged

    def _client(self, number: int, writing: int, defect: str) -> Callable[[], None]:
        play = stage.Play(*self.people, number, filled=True)
        play.next_due = dict.fromkeys(stage.LEDGERS, number * EACH + 1)
        return lambda: client(play, writing, early=defect == "early")

    def start_again(self) -> None:
        """As an operator does: until it starts. Those of the dead server's processes that still end are in the way."""
        self.lease.close()
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                self.lease = embedded.hold("site")
                return
            except PostgresError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


# Load ----------------------------------------------------------------------------------------------------------------


def client(play: stage.Play, writing: int, *, early: bool) -> None:
    """Proposes and approves until there is no server, and says of each approval that it was acknowledged."""
    with suppress(*SERVER_IS_GONE):
        for number in range(EACH // stage.MOST_LINES):
            adjustment = play.proposed(stage.LEDGERS[number % 2])
            if early:
                with acknowledging_early(lambda pk=adjustment.pk: acknowledge(writing, pk)):
                    play.approve(adjustment)
            else:
                play.approve(adjustment)
                acknowledge(writing, adjustment.pk, *stage.ask("default", SQL, "head")[0])


def acknowledge(writing: int, *words: Any) -> None:
    os.write(writing, (" ".join(map(str, words)) + "\n").encode())


@contextmanager
def acknowledging_early(say: Callable[[], None]) -> Iterator[None]:
    """A planted defect: the answer goes out just before the commit."""

    def too_early() -> None:
        say()
        time.sleep(SLOW)

    connection = connections["default"]
    deaths.watch(connection, Doom(BEFORE_COMMIT, death=too_early))
    try:
        yield
    finally:
        connection.execute_wrappers.pop()
        del connection.commit


def worker() -> None:
    with suppress(*SERVER_IS_GONE):
        while True:
            work_once()


def work_once() -> None:
    recovery.recover(now=timezone.now() + stage.LATER)
    work_off("apply")


def wait_for_one(reading: int) -> None:
    """Until somebody has been told that something is decided."""
    import select

    select.select([reading], [], [], STARTED_WITHIN)


def read_all(reading: int) -> list[str]:
    with open(reading, closefd=True) as pipe:
        return pipe.read().splitlines()


def kill_server(*, all_of_it: bool) -> None:
    """The postmaster alone, whose children then end by themselves; or every process of it at once."""
    postmaster = int((embedded.cluster("site").data / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split() if all_of_it else []
    for process in [postmaster, *map(int, children)]:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


# What must be true after each start ----------------------------------------------------------------------------------


def looked_at(acknowledged: list[list[str]], verified: int) -> tuple[Counter, int]:
    """What is wrong now, and how far the audit log has been verified."""
    decided = {str(pk) for (pk,) in stage.ask("default", SQL, "decided")}
    heads = {int(position): seal for _, position, seal in (one for one in acknowledged if len(one) == 3)}
    there = dict(heads_at(list(heads)))
    finding = verify(after=verified)
    wrong = Counter(
        missing=len({pk for pk, *_ in acknowledged} - decided),
        half=stage.ask("default", SQL, "half_states")[0][0],
        forgotten=sum(there.get(position) != seal for position, seal in heads.items()) + contradicted(),
        broken=finding.verdict == Verdict.BROKEN,
    )
    return wrong, finding.position if finding.verdict == Verdict.INTACT else verified


def contradicted() -> bool:
    """Whether the log is another than the one that the console's own anchor file knows."""
    newest = anchors.newest()
    return bool(newest and newest.position and dict(heads_at([newest.position])) != {newest.position: newest.hash})


def heads_at(positions: list[int]) -> list[Any]:
    return stage.ask("default", SQL, "heads", positions=positions)


def run(house: House, kills: int, seed: int, defect: str = "") -> Counter:
    chance, total, verified = random.Random(seed), Counter(kills=kills), 0
    house.begin(kills)
    if defect == "asynchronous":
        embedded.cluster("site").settings.update(UNSAFE)
        house.start_again()
    for number in range(kills):
        acknowledged = house.kill(number, chance, defect)
        wrong, verified = looked_at(acknowledged, verified)
        total += wrong + Counter(acknowledged=len(acknowledged))
        say({"kill": number + 1, **wrong})
    if defect == "early":
        return total
    return total + (finished() if not defect else Counter(applied=applied_now()))


def applied_now() -> int:
    stage.one_run()
    return stage.ask("default", SQL, "applied")[0][0]


def finished() -> Counter:
    """After one run everything that was decided is done, once."""
    found = Counter(applied=applied_now())
    for slug in stage.LEDGERS:
        found.update(stage.shortcomings(slug))
    return found


def say(told: dict[str, Any]) -> None:
    print(json.dumps(told), flush=True)


def main(arguments: list[str]) -> None:
    house = House()
    if arguments:
        kills, seed, *defect = arguments
        say(run(house, int(kills), int(seed), *defect))
    house.lease.close()


if __name__ == "__main__":
    main(sys.argv[1:])
