"""How a system's values went over the last days, in spans of time wide enough to read and to draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection

from billingadmin.sql import statement
from health.contributions import probes_of
from systems.base import System

SQL = Path(__file__).with_name("readings.sql")
SPANS = {7: timedelta(hours=6), 30: timedelta(hours=24)}  # days shown -> what one point stands for


@dataclass(frozen=True)
class Point:
    """A span of time: when it begins, and the lowest and highest value seen in it; None where none was."""

    begins: datetime
    lowest: int | None
    highest: int | None


def history(system: System, *, days: int, now: datetime) -> dict[str, Sequence[Point]]:
    """For each probe of the system, a point for every span of the last ``days``, oldest first."""
    span = SPANS[days]
    until = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    since = until - timedelta(days=days)
    begins = [since + span * index for index in range(timedelta(days=days) // span)]
    seen = _seen(system, since, until, span)
    return {
        probe.code: [Point(at, *seen.get((probe.code, at), (None, None))) for at in begins]
        for probe in probes_of(system)
    }


def _seen(
    system: System, since: datetime, until: datetime, span: timedelta
) -> dict[tuple[str, datetime], tuple[int, int]]:
    codes = [probe.code for probe in probes_of(system)]
    parameters = {"system": system.slug, "probes": codes, "since": since, "until": until, "span": span}
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "history"), parameters)
        return {(code, begins): (lowest, highest) for code, begins, lowest, highest in cursor.fetchall()}
