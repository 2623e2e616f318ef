"""Deaths between the two commits: the ledger has the money and the console does not know it yet.

Two planted defects stand here as well, below the code that is proved: a key that keeps nothing from coming twice, and a
console that is written before the ledger.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils import timezone

from adjustments import applying
from adjustments.models import Adjustment
from adjustments.states import Outcome, State
from proofs.crashing import deaths, stage
from proofs.crashing.deaths import CONSOLE, KEY, LEDGER, PAYMENT, REQUEST, Doom, Point, When

LINE = 'update "adjustments_adjustmentline"'
BETWEEN = (
    Point("with the ledger committed", LEDGER, When.AFTER_COMMIT, PAYMENT, each_line=True),
    Point("before the console notes the receipt", CONSOLE, When.BEFORE, LINE, each_line=True),
    Point("with the receipt noted", CONSOLE, When.AFTER, LINE, each_line=True),
    Point("before the console commits the receipt", CONSOLE, When.BEFORE_COMMIT, LINE, each_line=True),
    Point("before the request is called applied", CONSOLE, When.BEFORE, REQUEST, "applied"),
    Point("before the console's last commit", CONSOLE, When.BEFORE_COMMIT, REQUEST, "applied"),
)
CONSOLE_FIRST = Point("with the console committed", CONSOLE, When.AFTER_COMMIT, LINE)

Defect = Callable[[], None]


def nothing() -> None:
    """No defect."""


def killed_between(
    play: stage.Play, server: stage.Server, slug: str, times: int, defect: Defect = nothing, only: Point | None = None
) -> Counter:
    """So many deaths on this ledger, each followed by one run; what is then missing, doubled or not yet done."""
    chance, tally = random.Random(times), Counter()
    for number in range(times):
        adjustment = play.approve(play.taken(slug))
        point = only or BETWEEN[number % len(BETWEEN)]
        nth = chance.randint(1, adjustment.current_lines().count()) if point.each_line else 1
        tally["kills"] += deaths.was_killed(deaths.born(lambda: _posting(adjustment, Doom(point, nth), defect)))  # noqa: B023
        server.bury()
        stage.one_run()
        adjustment.refresh_from_db()
        tally["not recovered in one run"] += adjustment.state != State.APPLIED
    return tally + Counter(stage.shortcomings(slug))


HALF_WAY = tuple(point for point in (*deaths.POSTING, *BETWEEN) if point.each_line)


def killed_half_way(
    play: stage.Play, server: stage.Server, slug: str, lines: int, times: int, chance: random.Random
) -> Counter:
    """One long request, whose worker dies so many times on its way; then one run."""
    adjustment = play.approve(play.proposed(slug, lines))
    tally: Counter = Counter(lines=lines)
    for _ in range(times):
        doom = Doom(chance.choice(HALF_WAY), chance.randint(1, max(1, lines // times)))
        tally["kills"] += deaths.was_killed(deaths.born(lambda: _posting(adjustment, doom, nothing)))  # noqa: B023
        server.bury()
    tally["posted before the last run"] = adjustment.current_lines().filter(outcome=Outcome.POSTED).count()
    stage.one_run()
    adjustment.refresh_from_db()
    tally["not recovered in one run"] += adjustment.state != State.APPLIED
    return tally + Counter(stage.shortcomings(slug))


def _posting(adjustment: Adjustment, doom: Doom, defect: Defect) -> None:
    deaths.doomed(doom)
    defect()
    applying.drive(adjustment.pk, now=timezone.now())


# Planted -------------------------------------------------------------------------------------------------------------


@contextmanager
def without_the_key() -> Iterator[None]:
    """Every key is a new one, as if there were no key table: also for the run that recovers."""

    def opened(connection: BaseDatabaseWrapper, **named: Any) -> None:
        if connection.alias.endswith("_writer"):
            connection.execute_wrappers.append(_another_key)

    connection_created.connect(opened, weak=False)
    try:
        yield
    finally:
        connection_created.disconnect(opened)


def _another_key(execute: Callable, sql: Any, values: Any, many: bool, context: Any) -> Any:
    if KEY in str(sql).lower():
        values = {**values, "key": str(uuid4())}
    return execute(sql, values, many, context)


def console_first() -> None:
    """The ledger's commit waits for the console's: done is said before it is."""
    waiting: list[Callable] = []

    def opened(connection: BaseDatabaseWrapper, **named: Any) -> None:
        commit, set_autocommit = connection.commit, connection.set_autocommit

        def begin_and_not_end(autocommit: bool, **named: Any) -> None:
            if not autocommit:
                set_autocommit(autocommit, **named)

        if connection.alias.endswith("_writer"):
            connection.commit = lambda: waiting.append(commit)  # type: ignore[method-assign]
            connection.set_autocommit = begin_and_not_end  # type: ignore[method-assign]
            return

        def and_then_the_ledger() -> None:
            commit()
            while waiting:
                waiting.pop()()

        connection.commit = and_then_the_ledger  # type: ignore[method-assign]

    connection_created.connect(opened, weak=False)
