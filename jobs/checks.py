"""What must be right about the jobs before anything runs."""

from collections import Counter
from typing import Any

from django.core.checks import CheckMessage, Error, register

from jobs import slots
from jobs.registry import CatchUp, Job, all_jobs

QUEUES = ("detect", "apply", "notify", "housekeeping")


@register()
def check_jobs(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    jobs = all_jobs()
    names = Counter(job.name for job in jobs)
    errors: list[CheckMessage] = [
        Error(
            f"{count} jobs are called “{name}”.",
            hint="A name is a row in the history: give each its own.",
            id="jobs.E001",
        )
        for name, count in names.items()
        if count > 1
    ]
    return errors + [error for job in jobs for error in _faults(job)]


def _faults(job: Job) -> list[CheckMessage]:
    errors: list[CheckMessage] = []
    if fault := slots.fault(job.cron):
        errors.append(Error(f"The schedule of “{job.name}”, “{job.cron}”, is wrong: {fault}.", id="jobs.E002"))
    if job.catch_up not in CatchUp.values:
        errors.append(
            Error(f"“{job.name}” catches up “{job.catch_up}”.", hint=", ".join(CatchUp.values), id="jobs.E003")
        )
    if job.queue not in QUEUES:
        errors.append(Error(f"“{job.name}” waits in “{job.queue}”.", hint=", ".join(QUEUES), id="jobs.E004"))
    return errors
