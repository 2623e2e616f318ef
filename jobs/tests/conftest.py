"""A registry of the tests' own: two jobs that leave a trace."""

import pytest

from jobs.registry import Job

SEEN = []
TROUBLE = []


def count(now):
    SEEN.append(now)
    return f"{len(SEEN)} coins counted."


def sweep(now):
    if TROUBLE:
        raise ValueError(TROUBLE[0])
    return "Swept."


JOBS = (
    Job("count", "7 * * * *", count, "Counts the coins."),
    Job("sweep", "0 3 * * *", sweep, "Sweeps the floor.", catch_up="each", queue="detect"),
)


@pytest.fixture
def shop_jobs(settings):
    """Only these two jobs; what ``count`` saw is in the answer."""
    settings.JOB_SOURCES = (f"{__name__}.JOBS",)
    SEEN.clear()
    TROUBLE.clear()
    return SEEN


@pytest.fixture
def trouble(shop_jobs):
    """Makes ``sweep`` fail."""
    TROUBLE.append("the broom is gone")
