"""Detection by the clock: each system at minute 7 of every hour, and once a day over all its history.

The window of an hour goes by what was touched. What was deleted touched nothing: only the sweep sees it.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from anomalies.detection import detect
from anomalies.models import DetectionRun
from anomalies.models.runs import RunState, Trigger
from anomalies.runs import AlreadyRunning
from anomalies.snoozing import wake
from audit.log import job_actor
from jobs.registry import Job
from systems import registry
from systems.reading import is_connected

HOURLY = "7 * * * *"
DAILY = "41 18 * * *"  # a quarter to four in the morning in Tokyo
OFTEN = "*/5 * * * *"


class DetectionFailed(Exception):
    """A rule or a source failed; what the others found is kept."""


def jobs() -> Iterable[Job]:
    for system in registry.all_systems():
        if is_connected(system.slug):
            yield Job(
                f"detect_{system.slug}",
                HOURLY,
                partial(_detect, system.slug, f"detect_{system.slug}", whole=False),
                gettext_lazy("Looks for anomalies among what has come since the last run, and again at known ones."),
                queue="detect",
            )
            yield Job(
                f"sweep_{system.slug}",
                DAILY,
                partial(_detect, system.slug, f"sweep_{system.slug}", whole=True),
                gettext_lazy("Looks for anomalies in all history: what was deleted shows in no window."),
                queue="detect",
            )
    yield Job("wake_snoozed", OFTEN, _wake, gettext_lazy("Opens the anomalies whose snooze is over."), catch_up="none")


def _detect(slug: str, name: str, now: datetime, *, whole: bool) -> str:
    try:
        run = detect(registry.get(slug), now=now, whole=whole, trigger=Trigger.SCHEDULE, actor=job_actor(name))
    except AlreadyRunning as busy:
        return str(busy)  # the marks have not moved: the next window covers this one
    if run.state == RunState.FAILED:
        raise DetectionFailed(run.error)
    return sentence(run)


def _wake(now: datetime) -> str:
    count = sum(wake(system.slug, now=now) for system in registry.all_systems())
    return ngettext("%d anomaly opened again.", "%d anomalies opened again.", count) % count


def sentence(run: DetectionRun) -> str:
    """What a run did, in one sentence with its numbers."""
    told = {
        "found": sum(result["found"] for result in run.results.values()),
        "count": run.count,
        "new": run.new,
        "rechecked": run.rechecked,
        "cleared": run.cleared,
    }
    return (
        _("%(found)d found, %(count)d to look at, %(new)d new; %(rechecked)d checked again, %(cleared)d cleared.")
        % told
    )
