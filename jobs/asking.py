"""What a person may ask of the jobs: a run now, another try at a task that failed."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from procrastinate.exceptions import AlreadyEnqueued

from audit.log import Actor, record
from jobs import letters, queue, tasks
from jobs.models import Letter
from jobs.registry import Job


class AlreadyAsked(Exception):
    """Somebody asked before, and it has not begun; or it is no longer there to be asked for."""


def run_now(*, job: Job, actor: Actor, now: datetime, correlation_id: str = "") -> None:
    """Puts a run of the job into its queue, in a slot of its own: the second in which it was asked for."""
    slot = now.replace(microsecond=0)
    asked = tasks.run_now.configure(queue=job.queue, queueing_lock=f"jobs.run_now {job.name}")
    try:
        with transaction.atomic():
            asked.defer(name=job.name, slot=slot.isoformat(), by=actor.name)
            _record(actor, "job_run_requested", job.name, correlation_id, slot=slot)
    except AlreadyEnqueued:
        raise AlreadyAsked(_("%s waits in the queue already.") % job.name) from None


@transaction.atomic
def retry(*, task_id: int, actor: Actor, now: datetime, correlation_id: str = "") -> queue.FailedTask:
    """Puts a failed task back into its queue."""
    task = queue.retry(task_id, now)
    if task is None:
        raise AlreadyAsked(_("This task is no longer among those that failed."))
    _record(actor, "task_retry_requested", task.name, correlation_id, task=task.id, arguments=task.arguments)
    return task


@transaction.atomic
def send_again(*, letter: Letter, actor: Actor, now: datetime, correlation_id: str = "") -> None:
    """Puts a letter that was given up among those to be sent."""
    if letters.try_again(letter.pk, now) is None:
        raise AlreadyAsked(_("This letter is not among those that were given up."))
    record(
        actor=actor,
        action_type="letter_retry_requested",
        target_type="letter",
        target_id=str(letter.pk),
        system=letter.system,
        correlation_id=correlation_id,
        metadata={"key": letter.key},
    )


def _record(actor: Actor, action: str, name: str, correlation_id: str, **metadata: Any) -> None:
    record(
        actor=actor,
        action_type=action,
        target_type="job",
        target_id=name,
        correlation_id=correlation_id,
        metadata=metadata,
    )
