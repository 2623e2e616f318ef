"""How every job stands: its last run, its next, and whether it kept its hours. From stored rows alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from billingadmin.sql import statement
from jobs import lock, queue, slots
from jobs.models import JobRun, RunState
from jobs.registry import Job
from jobs.wording import in_words

SQL = Path(__file__).with_name("runs.sql")
MOST_COUNTED = 100  # missed slots; beyond, “99+” tells enough


@dataclass(frozen=True)
class Standing:
    """A job as the page of jobs shows it."""

    job: Job
    words: str
    run: JobRun | None  # of the latest slot
    next_at: datetime
    missed_count: int
    is_dead: bool  # its row says running, and nobody holds its lock
    is_asked_for: bool  # somebody wants it to run now, and no worker has taken it up yet


def standings(jobs: Sequence[Job], now: datetime) -> list[Standing]:
    latest = JobRun.objects.raw(statement(SQL, "latest_of_each"), {"names": [job.name for job in jobs]})
    runs = {run.name: run for run in latest}
    held, asked = lock.held(), queue.waiting("jobs.run_now", "name")
    return [_standing(job, runs.get(job.name), now, held, asked) for job in jobs]


def _standing(job: Job, run: JobRun | None, now: datetime, held: set[int], asked: set[str]) -> Standing:
    return Standing(
        job=job,
        words=in_words(job.cron),
        run=run,
        next_at=slots.next_slot(job.cron, now),
        missed_count=_missed_count(job, run, now),
        is_dead=bool(run and run.state == RunState.RUNNING and lock.key(job.name) not in held),
        is_asked_for=job.name in asked,
    )


def _missed_count(job: Job, run: JobRun | None, now: datetime) -> int:
    """The slots since the latest that has a row; one that may still come in time is not counted."""
    if run is None:
        return 0
    return len(slots.slots_between(job.cron, run.slot, now - slots.grace(job.cron, now), MOST_COUNTED))
