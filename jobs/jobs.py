"""The jobs that look after the jobs."""

from datetime import datetime, timedelta

from asgiref.sync import async_to_sync
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs import letters, registry, running
from jobs.models import JobRun, RunState
from jobs.queue import app
from jobs.registry import Job

RUNS_KEPT = timedelta(days=14)
FAILURES_KEPT = timedelta(days=90)
CATCH_UP = "catch_up"


def catch_up(now: datetime) -> str:
    others = tuple(job for job in registry.all_jobs() if job.name != CATCH_UP)
    return running.catch_up(others, now=now, runner=running.here("catch-up"))


def tidy(now: datetime) -> str:
    """Drops old runs and finished tasks. The newest run of each job stays, however old."""
    newest = JobRun.objects.filter(name=OuterRef("name")).newest_first().values("pk")[:1]
    old = Q(started_at__lt=now - RUNS_KEPT) & ~Q(state=RunState.FAILED) | Q(started_at__lt=now - FAILURES_KEPT)
    count = JobRun.objects.filter(old).exclude(pk=Subquery(newest)).delete()[0]
    async_to_sync(app.job_manager.delete_old_jobs)(nb_hours=RUNS_KEPT // timedelta(hours=1))
    return _("%d old runs dropped.") % count


JOBS = (
    Job(
        CATCH_UP,
        "*/5 * * * *",
        catch_up,
        gettext_lazy("Runs what was missed while nothing was running, and takes over from processes that died."),
    ),
    Job("letters", "* * * * *", letters.deliver, gettext_lazy("Sends the letters that are due."), queue="notify"),
    Job("tidy_letters", "45 3 * * *", letters.tidy, gettext_lazy("Drops letters older than thirteen months.")),
    Job("tidy_jobs", "40 3 * * *", tidy, gettext_lazy("Drops the records of old runs and finished tasks.")),
)
