"""What is measured of the way from approval to the ledger: of each system, from the console's own tables."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Min
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adjustments.elsewhere.models import CallState, RemoteCall
from adjustments.models import Adjustment
from adjustments.reconciliation.models import Answer, Discrepancy, Reconciliation
from adjustments.states import OPEN, State
from jobs import letters
from jobs.scheduler import scheduler
from systems.base import Level, Measurement, Probe, Source, System

LATE, DEAD = timedelta(minutes=5), timedelta(hours=1)  # what was approved is applied within seconds
UNREAD = timedelta(hours=1)  # a letter that waits longer
UNCOMPARED = timedelta(hours=3)  # the ledgers are compared hourly


def probes(system: System) -> tuple[Probe, ...]:
    """Nothing where nothing is corrected."""
    if not system.corrections:
        return ()
    return tuple(
        Probe(code=code, title=title, unit=unit, measure=partial(measure, system.slug))
        for code, title, unit, measure in PROBES
    )


def unapplied(slug: str, source: Source) -> Measurement:
    waiting = Adjustment.objects.for_system(slug).filter(state=State.APPROVED)
    oldest = waiting.aggregate(at=Min("approved_at"))["at"]
    if oldest is None:
        return Measurement(level=Level.OK, value=0, why=_("Everything that was approved is applied."))
    age = source.now - oldest
    level = Level.CRITICAL if age >= DEAD else Level.WARNING if age >= LATE else Level.OK
    count = waiting.count()
    why = ngettext(
        "%(count)d approved request is not applied yet; the oldest was approved at %(at)s UTC.",
        "%(count)d approved requests are not applied yet; the oldest was approved at %(at)s UTC.",
        count,
    )
    return Measurement(level=level, value=count, why=why % {"count": count, "at": f"{oldest:%Y-%m-%d %H:%M}"})


def attention(slug: str, source: Source) -> Measurement:
    count = Adjustment.objects.for_system(slug).filter(state=State.NEEDS_ATTENTION).count()
    why = ngettext("%(count)d request needs attention.", "%(count)d requests need attention.", count)
    level = Level.WARNING if count else Level.OK
    return Measurement(level=level, value=count, why=why % {"count": count} if count else _("None needs attention."))


def retried(slug: str, source: Source) -> Measurement:
    """Errors the worker does not know, on requests that are still to be applied."""
    failing = Adjustment.objects.for_system(slug).filter(state__in=sorted(OPEN), error_count__gt=0)
    count = failing.count()
    why = ngettext(
        "The worker met errors it does not know on %(count)d request.",
        "The worker met errors it does not know on %(count)d requests.",
        count,
    )
    level = Level.WARNING if count else Level.OK
    return Measurement(level=level, value=count, why=why % {"count": count} if count else _("No unknown errors."))


def calls(slug: str, source: Source) -> Measurement:
    """Intended a while ago and not known to have happened, or known to be unknown."""
    open_ones = RemoteCall.objects.filter(line__adjustment__system=slug)
    unknown = open_ones.filter(state=CallState.UNKNOWN) | open_ones.filter(
        state=CallState.INTENDED, intended_at__lte=source.now - LATE
    )
    count = unknown.count()
    why = ngettext(
        "Of %(count)d call to the outside the outcome is unknown.",
        "Of %(count)d calls to the outside the outcome is unknown.",
        count,
    )
    level = Level.WARNING if count else Level.OK
    return Measurement(level=level, value=count, why=why % {"count": count} if count else _("Every outcome is known."))


def worker(slug: str, source: Source) -> Measurement:
    """Whether anybody could post. Worse when something waits for it."""
    count = scheduler(source.now).worker_count
    if count:
        why = ngettext("%(count)d worker is at work.", "%(count)d workers are at work.", count)
        return Measurement(level=Level.OK, value=count, why=why % {"count": count})
    waits = Adjustment.objects.for_system(slug).filter(state=State.APPROVED).exists()
    why = _("No worker is at work: what is approved is not posted.")
    return Measurement(level=Level.CRITICAL if waits else Level.WARNING, value=0, why=why)


def reconciled(slug: str, source: Source) -> Measurement:
    count = Discrepancy.objects.open().of(slug).count()
    if count:
        why = ngettext(
            "%(count)d thing in the ledger and the console does not agree.",
            "%(count)d things in the ledger and the console do not agree.",
            count,
        )
        return Measurement(level=Level.CRITICAL, value=count, why=why % {"count": count})
    latest = Reconciliation.objects.of(slug).newest_first().first()
    if latest is None:
        return Measurement(level=Level.UNKNOWN, why=_("The ledger has never been compared with the console."))
    if latest.answer == Answer.CANNOT_TELL:
        return Measurement(level=Level.UNKNOWN, why=_("The ledger could not be compared: %s") % latest.why)
    told = {"at": f"{latest.started_at:%Y-%m-%d %H:%M}"}
    if source.now - latest.started_at >= UNCOMPARED:
        return Measurement(level=Level.UNKNOWN, why=_("The ledger was last compared at %(at)s UTC.") % told)
    return Measurement(level=Level.OK, value=0, why=_("Ledger and console agreed at %(at)s UTC.") % told)


def post(slug: str, source: Source) -> Measurement:
    stands = letters.post(slug)
    if stands.failed_count:
        why = ngettext(
            "%(count)d letter could not be sent.", "%(count)d letters could not be sent.", stands.failed_count
        )
        return Measurement(level=Level.WARNING, value=stands.failed_count, why=why % {"count": stands.failed_count})
    if not stands.has_server:
        return Measurement(level=Level.UNKNOWN, why=_("Not sent: no mail server. Letters are kept in the console."))
    late = stands.oldest_at is not None and source.now - stands.oldest_at >= UNREAD
    why = _("Letters have waited for more than an hour.") if late else _("Letters are sent.")
    return Measurement(level=Level.WARNING if late else Level.OK, value=stands.unsent_count, why=why)


Measure = Callable[[str, Source], Measurement]
PROBES: tuple[tuple[str, Any, str, Measure], ...] = (
    ("adjustments_unapplied", gettext_lazy("Approved, not applied"), "requests", unapplied),
    ("adjustments_attention", gettext_lazy("Adjustments that need attention"), "requests", attention),
    ("adjustments_retried", gettext_lazy("Errors while applying"), "requests", retried),
    ("adjustments_calls", gettext_lazy("Calls whose outcome is unknown"), "calls", calls),
    ("adjustments_worker", gettext_lazy("Worker that posts"), "workers", worker),
    ("adjustments_reconciled", gettext_lazy("Ledger and console agree"), "keys", reconciled),
    ("adjustments_letters", gettext_lazy("Letters about decisions"), "letters", post),
)


class Clock:
    """What a probe of ours is handed when a page asks it: the time."""

    def __init__(self, now: datetime) -> None:
        self.now = now
