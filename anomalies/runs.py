"""One run at a time for each system, and a row for every run."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from anomalies.models import DetectionRun
from anomalies.models.runs import RunState, Trigger
from audit.log import Actor
from jobs.lock import alone
from systems.base import System


class AlreadyRunning(Exception):
    """Another run of the same system is at it. ``run`` is that run, where it can be told."""

    def __init__(self, system: System, run: DetectionRun | None) -> None:
        self.run = run
        label = str(system.label)
        if run is None:
            super().__init__(_("Detection of %(system)s is running already.") % {"system": label})
            return
        super().__init__(
            _("Detection of %(system)s is running already: run %(run)s, started at %(at)s UTC by %(actor)s.")
            % {"system": label, "run": run.pk, "at": f"{run.started_at.astimezone(UTC):%H:%M:%S}", "actor": run.actor}
        )


@contextmanager
def held(system: System) -> Iterator[None]:
    """Holds the system's one lock: its session's, so that it goes with the process, however that ends."""
    with alone(f"detection {system.slug}") as nobody_else:
        if not nobody_else:
            raise AlreadyRunning(system, DetectionRun.objects.for_system(system.slug).running().newest_first().first())
        yield


def begin(
    system: System,
    *,
    now: datetime,
    since: datetime | None,
    until: datetime | None,
    whole: bool,
    trigger: Trigger,
    actor: Actor,
) -> DetectionRun:
    """A new run. Rows of runs that died are closed: who holds the lock is the only one there is."""
    dead = DetectionRun.objects.for_system(system.slug).running()
    dead.update(state=RunState.FAILED, finished_at=now, error=_("The process ended before the run did."))
    return DetectionRun.objects.create(
        system=system.slug,
        trigger=trigger,
        actor_id=actor.id,
        actor=actor.name,
        started_at=now,
        since=since,
        until=until or now,
        whole=whole,
    )
