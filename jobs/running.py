"""Runs a slot of a job: once, however many fire it, and not at all when it is done.

Whoever gets the job's lock may write the slot's row; a ``running`` row found then was left by a process that died and
is taken over. A firing that comes while another slot still runs is recorded as skipped. A failed slot is run again when
someone asks for it, or, by a job that makes up for each slot, a few times by itself.
"""

import logging
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from django.db import connection
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billingadmin.request_log import request_id
from jobs import slots
from jobs.lock import alone
from jobs.models import UNFINISHED, JobRun, RunState
from jobs.registry import CatchUp, Job

MOST_MISSED = 100  # slots that one firing makes up for
MOST_ATTEMPTS = 3  # at a slot that keeps failing, before a person has to look

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Firing:
    """What became of a firing: the slot's row, and whether it was this firing that ran it."""

    run: JobRun
    ran: bool


def here(by: str) -> str:
    """Who fires: ``by`` (worker, cron, a person), with the machine and the process."""
    return f"{by} {socket.gethostname()}:{os.getpid()}"


def fire(job: Job, *, now: datetime, runner: str, again: bool = False) -> list[Firing]:
    """Runs the latest slot, after those that were missed if the job makes up for each. ``again``: even if it failed."""
    made_up = [run_slot(job, slot, now=now, runner=runner, again=True) for slot in missed(job, now=now)]
    return [*made_up, run_slot(job, slots.latest_slot(job.cron, now), now=now, runner=runner, again=again)]


def run_slot(job: Job, slot: datetime, *, now: datetime, runner: str, again: bool = False) -> Firing:
    with alone(job.name) as first:
        if not first:
            return Firing(_skip(job, slot, now, runner, _("The run before was still going.")), ran=False)
        if not again and _is_too_late(job, slot, now):
            return Firing(_skip(job, slot, now, runner, _("Missed, and not made up.")), ran=False)
        _bury(job, slot, now)
        run = _take(job, slot, now, runner, again)
        if run is None:
            return Firing(JobRun.objects.of(job.name).get(slot=slot), ran=False)
        return Firing(_execute(job, run, slot if _is_made_up(job, slot, now) else now), ran=True)


def _is_too_late(job: Job, slot: datetime, now: datetime) -> bool:
    return job.catch_up == CatchUp.NONE and now - slot > slots.grace(job.cron, now)


def _is_made_up(job: Job, slot: datetime, now: datetime) -> bool:
    return job.catch_up == CatchUp.EACH and slot < slots.latest_slot(job.cron, now)


def _skip(job: Job, slot: datetime, now: datetime, runner: str, why: str) -> JobRun:
    """A row that says why the slot did not run, unless it has one: then that one tells."""
    skipped = {"state": RunState.SKIPPED, "started_at": now, "finished_at": now, "outcome": why, "runner": runner}
    return JobRun.objects.get_or_create(name=job.name, slot=slot, defaults={**skipped, "attempt_count": 0})[0]


def _bury(job: Job, slot: datetime, now: datetime) -> None:
    """Under the lock nobody else runs: an older row that still says so belongs to the dead."""
    JobRun.objects.of(job.name).running().exclude(slot=slot).update(
        state=RunState.FAILED, finished_at=now, error=_("The process that ran it died.")
    )


def _take(job: Job, slot: datetime, now: datetime, runner: str, again: bool) -> JobRun | None:
    """The slot's row, ours to run; None when it is done (or failed, and nobody asked for it again)."""
    run, is_new = JobRun.objects.get_or_create(name=job.name, slot=slot, defaults={"started_at": now, "runner": runner})
    if is_new:
        return run
    open_to_us = UNFINISHED | ({RunState.FAILED} if again else set())
    started = {"started_at": now, "finished_at": None, "outcome": "", "error": "", "runner": runner}
    mine = JobRun.objects.filter(pk=run.pk, state__in=open_to_us)
    if not mine.update(state=RunState.RUNNING, attempt_count=F("attempt_count") + 1, **started):
        return None
    run.refresh_from_db()
    return run


def _execute(job: Job, run: JobRun, now: datetime) -> JobRun:
    begun = monotonic()
    token = request_id.set(f"job-run-{run.pk}")  # what it logs and records is found by its run
    try:
        result = {"state": RunState.DONE, "outcome": str(job.run(now))}
    except Exception as error:
        logger.exception("The job %s failed.", job.name, extra={"job": job.name, "run": run.pk})
        result = {"state": RunState.FAILED, "error": f"{type(error).__name__}: {error}".replace("\x00", "")}
    finally:
        request_id.reset(token)
    return _finish(run, run.started_at + timedelta(seconds=monotonic() - begun), result)


def _finish(run: JobRun, at: datetime, result: dict[str, str]) -> JobRun:
    """Writes the result, if the row is still ours: a process thought dead that was only slow must not overwrite."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()  # a job may leave a broken connection behind
    ours = JobRun.objects.running().filter(pk=run.pk, attempt_count=run.attempt_count, runner=run.runner)
    if not ours.update(finished_at=at, **result):
        logger.error("The run of %s was taken over by another process before it ended.", run)
    run.refresh_from_db()
    return run


# What was missed -----------------------------------------------------------------------------------------------------


def missed(job: Job, *, now: datetime) -> list[datetime]:
    """The slots before the latest that this job still has to make up for; only one that makes up for each has any."""
    runs = JobRun.objects.of(job.name)
    first = runs.order_by("slot").values_list("slot", flat=True).first()
    if job.catch_up != CatchUp.EACH or first is None:
        return []
    latest = slots.latest_slot(job.cron, now)
    candidates = slots.slots_between(job.cron, first - timedelta(seconds=1), latest, MOST_MISSED)
    settled = Q(state=RunState.DONE) | Q(state=RunState.FAILED, attempt_count__gte=MOST_ATTEMPTS)
    over = set(runs.filter(settled, slot__in=candidates).values_list("slot", flat=True))
    return [slot for slot in candidates if slot not in over]


def is_overdue(job: Job, *, now: datetime) -> bool:
    """Whether the latest slot should have run by now and did not, or was left half done, or others are still due."""
    slot = slots.latest_slot(job.cron, now)
    if now - slot <= slots.grace(job.cron, now):
        return False
    runs = JobRun.objects.of(job.name)
    if job.catch_up == CatchUp.NONE and not runs.exists():
        return False
    over = runs.filter(slot__gte=slot).exclude(state=RunState.RUNNING).exists()  # one by hand, later, counts too
    return not over or bool(missed(job, now=now))


def catch_up(jobs: tuple[Job, ...], *, now: datetime, runner: str) -> str:
    """Fires what is overdue. Cron and the worker forget what was due while they were not there; this does not."""
    firings = [firing for job in jobs if is_overdue(job, now=now) for firing in fire(job, now=now, runner=runner)]
    ran = [firing.run for firing in firings if firing.ran]
    if not ran:
        return _("Nothing was missed.")
    names = ", ".join(f"{run.name} {run.slot.astimezone(UTC):%Y-%m-%d %H:%M}" for run in ran)
    return ngettext("%(count)d run made up: %(names)s.", "%(count)d runs made up: %(names)s.", len(ran)) % {
        "count": len(ran),
        "names": names,
    }
