"""When a job is due. A slot is an instant at which its cron expression, read in UTC, is true.

UTC has no summer time, so no slot is left out and none comes twice. The slot of a firing is the latest one that is not
in the future: however late or often a scheduler fires, all of them mean the same one.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from croniter import croniter

PLAIN = re.compile(r"[0-9*/,-]+")
SHORTEST_GRACE = timedelta(minutes=1)
LONGEST_GRACE = timedelta(minutes=10)


def fault(cron: str) -> str:
    """What is wrong with an expression, in a word or two; empty when every scheduler understands it."""
    fields = cron.split()
    if len(fields) != 5:
        return "it has not five fields"
    if not all(PLAIN.fullmatch(field) for field in fields):
        return "a field has more than digits, * / , and -"
    return "" if croniter.is_valid(cron) else "croniter cannot read it"


def latest_slot(cron: str, now: datetime) -> datetime:
    """The latest slot that is not after ``now``."""
    second = now.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
    return croniter(cron, second).get_prev(datetime)


def next_slot(cron: str, now: datetime) -> datetime:
    return croniter(cron, now.astimezone(UTC)).get_next(datetime)


def slots_back(cron: str, until: datetime) -> Iterator[datetime]:
    """The slots before ``until``, newest first, without end."""
    each = croniter(cron, until.astimezone(UTC))
    while True:
        yield each.get_prev(datetime)


def slots_between(cron: str, since: datetime, until: datetime, most: int) -> list[datetime]:
    """The slots after ``since`` and before ``until``, oldest first; of many, the newest ``most``."""
    newest_first = takewhile(lambda slot: slot > since, slots_back(cron, until))
    return list(islice(newest_first, most))[::-1]


def period(cron: str, now: datetime) -> timedelta:
    """The time between the slots around ``now``."""
    return next_slot(cron, now) - latest_slot(cron, now)


def grace(cron: str, now: datetime) -> timedelta:
    """How late a slot may be before it counts as missed."""
    return min(max(period(cron, now) / 2, SHORTEST_GRACE), LONGEST_GRACE)
