"""What the worker does by the clock: each job of the registry at its slots, and, every minute, the rescue of tasks
whose worker died."""

import logging
from datetime import datetime

from django.utils import timezone
from procrastinate import exceptions
from procrastinate.jobs import Job as QueuedJob
from procrastinate.jobs import Status

from jobs import letters, registry, running
from jobs.queue import app

MOST_ATTEMPTS = 5  # a task that took its worker down this often is not given to another

logger = logging.getLogger(__name__)


@app.task(name="jobs.fire")
def fire(timestamp: int, name: str) -> str:
    """One firing of a job by the worker's clock. The slot is found from the time it is, not from ``timestamp``."""
    firings = running.fire(registry.get(name), now=timezone.now(), runner=running.here("worker"))
    return "; ".join(f"{firing.run} {firing.run.state}" for firing in firings)


@app.task(name="jobs.run_now")
def run_now(name: str, slot: str, by: str) -> str:
    """A run that a person asked for, in a slot of its own."""
    now = timezone.now()
    moment = datetime.fromisoformat(slot)
    firing = running.run_slot(registry.get(name), moment, now=now, runner=running.here(by), again=True)
    return f"{firing.run} {firing.run.state}"


@app.task(name="jobs.letters", queue="notify")
def deliver_letters() -> str:
    return letters.deliver(timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="jobs.rescue", queue="housekeeping", queueing_lock="jobs.rescue")
async def rescue(timestamp: int) -> int:
    """Gives the tasks of workers that stopped breathing to others. How many it found."""
    stalled = list(await app.job_manager.get_stalled_jobs())
    for task in stalled:
        try:
            await _rescue(task)
        except exceptions.ConnectorException:
            logger.exception("The task %s could not be rescued.", task.call_string)
    return len(stalled)


async def _rescue(task: QueuedJob) -> None:
    if task.attempts >= MOST_ATTEMPTS:
        await app.job_manager.finish_job(task, Status.FAILED, delete_job=False)
        return
    try:
        await app.job_manager.retry_job(task)
    except exceptions.UniqueViolation:  # another of its kind waits already
        await app.job_manager.finish_job(task, Status.ABORTED, delete_job=False)


def schedule_all() -> None:
    """A line in the worker's timetable for each job. Of one job no more than one firing waits."""
    for job in registry.all_jobs():
        timetable = app.periodic(
            cron=job.cron,
            periodic_id=job.name,
            queue=job.queue,
            queueing_lock=f"jobs.fire {job.name}",
            task_kwargs={"name": job.name},
        )
        timetable(fire)


schedule_all()
