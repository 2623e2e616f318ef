"""What runs when: the one list from which cron's lines, the worker's schedule and the page of jobs are made.

``settings.JOB_SOURCES`` names, by dotted path, tuples of jobs or functions without arguments that give them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _


class CatchUp(models.TextChoices):
    """What happens to slots that passed while nothing was running."""

    LATEST = "latest", _("the latest is made up")
    EACH = "each", _("each is made up")
    NONE = "none", _("not made up")


@dataclass(frozen=True)
class Job:
    """``run(now)`` does the work and returns one sentence with numbers; what it raises makes the run a failed one.

    ``now`` is the present moment, and the slot itself where a job makes up for each slot that was missed.
    """

    name: str
    cron: str  # five plain fields, in UTC
    run: Callable[[datetime], str]
    what: Any  # one sentence, translatable
    catch_up: str = CatchUp.LATEST
    queue: str = "housekeeping"  # detect, apply, notify or housekeeping

    @property
    def catch_up_label(self) -> Any:
        return CatchUp(self.catch_up).label


class UnknownJob(LookupError):
    """No source has a job of that name."""


def all_jobs() -> tuple[Job, ...]:
    return tuple(job for path in settings.JOB_SOURCES for job in _jobs_at(path))


def _jobs_at(path: str) -> Iterable[Job]:
    source = import_string(path)
    return source() if callable(source) else source


def get(name: str) -> Job:
    jobs = all_jobs()
    for job in jobs:
        if job.name == name:
            return job
    raise UnknownJob(f"There is no job “{name}”. Known: {', '.join(job.name for job in jobs)}.")
