"""Reads switches back: what is effective now, and what came of flips of which nobody knows."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from procrastinate.exceptions import AlreadyEnqueued

from adjustments.switches import backends
from adjustments.switches.flipping import WORKER, enqueue
from adjustments.switches.models import Flip, FlipState, Sight
from audit.log import acting
from jobs.queue import app
from systems import registry
from systems.base import CannotTell, ConsoleValue, Switch

LONGEST = timedelta(minutes=15)  # a flip that began before this and has not ended: its worker is dead


def ask(now: datetime) -> str:
    """The worker is asked to look: it alone may read what is out there."""
    try:
        app.configure_task("adjustments.look_at_switches", queue="apply", queueing_lock="switches").defer()
    except AlreadyEnqueued:
        return _("The worker has been asked already.")
    for flip in Flip.objects.filter(state=FlipState.ASKED):
        enqueue(flip.pk)
    return _("The worker was asked to read the switches back.")


def look(now: datetime) -> str:
    outside = [
        (system.slug, switch)
        for system in registry.all_systems()
        for switch in system.switches
        if not isinstance(switch.backend, ConsoleValue)
    ]
    for slug, switch in outside:
        _look(slug, switch, now)
    return _("%d switches were read back.") % len(outside)


def _look(slug: str, switch: Switch, now: datetime) -> None:
    try:
        value, why = backends.read(switch), ""
    except CannotTell as reason:
        value, why = None, str(reason)
    seen = {"value": value, "why": why, "looked_at": now}
    with acting(WORKER):
        Sight.objects.update_or_create(system=slug, switch=switch.code, defaults=seen)
        for flip in Flip.objects.of(slug, switch.code).filter(state__in=(FlipState.UNDER_WAY, FlipState.UNKNOWN)):
            _resolve(flip, switch, value, now)


def _resolve(flip: Flip, switch: Switch, value: str | None, now: datetime) -> None:
    """What is read back decides. A flip is never tried again by itself."""
    if flip.state == FlipState.UNDER_WAY and now - flip.started_at < LONGEST:
        return
    if value is None or switch.holds(flip.value, flip.before_value):
        to = {"state": FlipState.UNKNOWN}
    elif switch.holds(flip.value, value):
        to = {"state": FlipState.DONE, "effective_value": value}
    else:
        to = {"state": FlipState.FAILED, "effective_value": value, "why": _("Read back later: it did not take.")}
    if to["state"] != flip.state:
        Flip.objects.filter(pk=flip.pk, state=flip.state).update(ended_at=now, **to)
