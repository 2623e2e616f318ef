"""What asks for a reconciliation: a job by the clock, a person by a button. The worker does it: it has the writers."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from procrastinate.exceptions import AlreadyEnqueued

from audit.log import Actor, record
from jobs.queue import app
from systems import registry
from systems.base import System
from systems.reading import is_connected


class AlreadyAsked(Exception):
    """It waits in the queue."""


def by_the_clock(now: datetime) -> str:
    """The last two days."""
    return _("The worker was asked to reconcile %d systems.") % _ask_all(whole=False)


def whole_by_the_clock(now: datetime) -> str:
    """All there is."""
    return _("The worker was asked to reconcile %d systems.") % _ask_all(whole=True)


def _ask_all(*, whole: bool) -> int:
    connected = [system for system in registry.all_systems() if is_connected(system.slug)]
    return sum(_enqueue(system, whole=whole) for system in connected)


def _enqueue(system: System, *, whole: bool) -> bool:
    lock = f"reconcile {system.slug}{' whole' if whole else ''}"
    task = app.configure_task(
        "adjustments.reconcile", queue="apply", queueing_lock=lock, lock=f"reconcile {system.slug}"
    )
    try:
        with transaction.atomic():
            task.defer(slug=system.slug, whole=whole)
    except AlreadyEnqueued:
        return False
    return True


@transaction.atomic
def by_hand(*, system: System, actor: Actor, now: datetime, correlation_id: str = "") -> None:
    """All there is, as soon as the worker comes to it."""
    if not _enqueue(system, whole=True):
        raise AlreadyAsked(_("%s waits to be reconciled already.") % system.label)
    record(
        actor=actor,
        action_type="reconciliation_requested",
        target_type="system",
        target_id=system.slug,
        system=system.slug,
        correlation_id=correlation_id,
        metadata={"at": now},
    )
