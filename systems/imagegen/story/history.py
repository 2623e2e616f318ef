"""Ninety days of the shop: who came when, what they bought, what became of their jobs, and what went wrong on the way.

The same seed and the same ``now`` tell the same story, row by row.
"""

import gc
from bisect import bisect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate, cycle
from random import Random

from systems.imagegen.purses import JAPAN
from systems.imagegen.story import bonuses, fates
from systems.imagegen.story.books import Books
from systems.imagegen.story.monitor import write_audit_log
from systems.imagegen.story.oddities import CATALOGUE
from systems.imagegen.story.tables import Tables

DAYS, USERS, JOBS = 90, 500, 20_000
EARLY = 330  # users who came before the ninety days
# By hour in Japan: nights are quiet, lunch is a bump, late evening is the peak.
HOURS = (9, 5, 3, 2, 1, 1, 2, 3, 5, 6, 7, 8, 11, 9, 8, 8, 9, 10, 12, 14, 17, 20, 19, 14)
WEEKDAYS = (1, 0.95, 0.95, 1, 1.1, 1.45, 1.4)
GROWTH = 0.35  # how much busier the last day is than the first
APART = timedelta(minutes=8)  # between two jobs of one user
AGES = tuple(timedelta(hours=hours) for hours in (0.7, 1.6, 9, 50, 150, 410, 800, 1250, 1700))

Deed = Callable[[Books, datetime], None]


@dataclass
class Story:
    tables: Tables
    found: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # by oddity: rules and subjects


def tell(seed: int, now: datetime) -> Story:
    with _nothing_to_collect():
        return _tell(seed, now)


@contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """The rows all stay: looking for garbage among them doubles the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _tell(seed: int, now: datetime) -> Story:
    random = Random(f"{seed} {now.isoformat()}")
    story = Story(Tables())
    lives = [_life(random, story.tables, number, now) for number in range(USERS)]
    _hand_out_jobs(random, lives, now)
    _hand_out_oddities(random, lives, story, now)
    for life in lives:
        life.live(now)
    for books in story.tables.books:
        books.close()
    write_audit_log(random, story.tables, story.found, now)
    return story


@dataclass
class Life:
    """One user's deeds, in whatever order they were thought of."""

    books: Books
    since: datetime
    deeds: list[tuple[datetime, int, Deed]] = field(default_factory=list)

    def plan(self, at: datetime, deed: Deed) -> None:
        self.deeds.append((at, len(self.deeds), deed))

    def live(self, now: datetime) -> None:
        free_from = self.since
        for at, _, deed in sorted(self.deeds, key=lambda planned: planned[:2]):
            moment = max(at, free_from)
            if moment < now:
                deed(self.books, moment)
                free_from = moment + APART if deed.__module__ != bonuses.__name__ else free_from


def _life(random: Random, tables: Tables, number: int, now: datetime) -> Life:
    start = now - timedelta(days=DAYS)
    days_before = random.uniform(0.1, 250) if number < EARLY else random.uniform(1 - DAYS, 0)
    life = Life(Books(tables, Random(random.getrandbits(64))), start - timedelta(days=days_before))
    for at, deed in bonuses.of(random, life.since, now):
        life.plan(at, deed)
    return life


def _hand_out_jobs(random: Random, lives: list[Life], now: datetime) -> None:
    """Few users make most of the jobs; nobody makes one before having come."""
    keenness = [random.paretovariate(1.0) for _ in lives]
    cap = 9 * sum(keenness) / len(keenness)
    users = random.choices(lives, [min(keen, cap) for keen in keenness], k=JOBS)
    for at, life in zip(_moments(random, now), users, strict=True):
        chosen = life if life.since < at else lives[random.randrange(EARLY)]
        chosen.plan(at, lambda books, moment: fates.ordinary(books, moment, now))


def _moments(random: Random, now: datetime) -> list[datetime]:
    """The times of all jobs, by the hour, the day of the week, and a little growth."""
    start = (now - timedelta(days=DAYS)).astimezone(JAPAN)
    hours = [start + timedelta(hours=number) for number in range(DAYS * 24)]
    weights = [
        HOURS[hour.hour] * WEEKDAYS[hour.weekday()] * (1 + GROWTH * number / len(hours))
        for number, hour in enumerate(hours)
    ]
    sums = list(accumulate(weights))
    chosen = (hours[bisect(sums, random.random() * sums[-1])] for _ in range(JOBS))
    return [(hour + timedelta(seconds=random.uniform(0, 3600))).astimezone(UTC) for hour in chosen]


def _hand_out_oddities(random: Random, lives: list[Life], story: Story, now: datetime) -> None:
    """Each to a user of its own, at ages from less than an hour to ten weeks."""
    users = iter(
        random.sample([life for life in lives[:EARLY] if life.since < now - max(AGES)], 2 * len(CATALOGUE) + 8)
    )
    ages = cycle(AGES)
    for oddity in CATALOGUE:
        story.found[oddity.code] = []
        for _ in range(oddity.times):
            age = next(ages)
            at = (
                now
                - max(age, timedelta(hours=5) if oddity.lasting else age)
                - timedelta(seconds=random.uniform(0, 900))
            )
            next(users).plan(at, _remembered(oddity.make, story.found[oddity.code]))


def _remembered(make: Callable, found: list[tuple[str, str]]) -> Deed:
    return lambda books, at: found.extend(make(books, at) or [])
