"""What a person may ask of the probes: to look now."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from procrastinate.exceptions import AlreadyEnqueued

from audit.log import Actor, record
from health import tasks
from systems.base import System
from systems.reading import is_connected


class CannotProbe(Exception):
    """The probes cannot be asked, or have been; the text says which."""


def probe_now(*, system: System, actor: Actor, now: datetime, correlation_id: str = "") -> None:
    """Puts the probes of the system into the queue: the page itself asks no source."""
    if not is_connected(system.slug):
        raise CannotProbe(_("%s is not connected.") % system.label)
    asked = tasks.probe.configure(queueing_lock=f"health.probe {system.slug}")
    try:
        with transaction.atomic():
            asked.defer(slug=system.slug)
            record(
                actor=actor,
                action_type="probe_requested",
                target_type="system",
                target_id=system.slug,
                system=system.slug,
                correlation_id=correlation_id,
                metadata={"at": now},
            )
    except AlreadyEnqueued:
        raise CannotProbe(_("The probes of %s have been asked already.") % system.label) from None
