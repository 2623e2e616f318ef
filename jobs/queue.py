"""The queue: Procrastinate's app, under the name by which the others know it, and what can be seen of its tasks.

A task stands in ``<app>/tasks.py``, is deferred inside the transaction that wants it, and may run more than once: each
is idempotent by a key of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Q
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

__all__ = ["FailedTask", "app", "failed_tasks", "pending", "retry", "waiting"]

MOST_SHOWN = 20


@dataclass(frozen=True)
class FailedTask:
    """A task that ended with an exception: what was to be done, how often it was tried, and when it failed."""

    id: int
    name: str
    arguments: dict[str, Any]
    queue: str
    attempt_count: int
    failed_at: datetime | None


def pending(task_name: str, **arguments: Any) -> bool:
    """Whether a task of this name with (at least) these arguments waits or runs."""
    tasks = ProcrastinateJob.objects.filter(task_name=task_name, status__in=("todo", "doing"))
    return tasks.filter(args__contains=arguments).exists()


def waiting(task_name: str, argument: str) -> set[Any]:
    """The values of this argument over all tasks of this name that wait or run."""
    tasks = ProcrastinateJob.objects.filter(task_name=task_name, status__in=("todo", "doing"))
    return set(tasks.values_list(f"args__{argument}", flat=True))


def failed_tasks() -> Sequence[FailedTask]:
    """The tasks that failed and were not tried again since, newest first."""
    failed = ProcrastinateJob.objects.filter(status="failed").annotate(
        failed_at=Max("procrastinateevent__at", filter=Q(procrastinateevent__type="failed"))
    )
    return [
        FailedTask(task.id, task.task_name, task.args, task.queue_name, task.attempts, task.failed_at)
        for task in failed.order_by("-id")[:MOST_SHOWN]
    ]


def retry(task_id: int, now: datetime) -> FailedTask | None:
    """Puts a failed task back into its queue; None when it is no longer a failed one."""
    task = next((task for task in failed_tasks() if task.id == task_id), None)
    if task:
        app.job_manager.retry_job_by_id(task_id, retry_at=now)
    return task
