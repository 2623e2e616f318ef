"""The jobs of health, and, under its roof, the jobs of the rooms."""

from datetime import datetime, timedelta

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billingadmin.sql import statement
from health import probing
from health.boards import PROBE_CRON, RANK, SQL
from health.models import Reading
from jobs.registry import Job
from systems import registry
from systems.base import Level
from systems.reading import is_connected

READINGS_KEPT = timedelta(days=90)
EACH_KEPT = timedelta(days=8)  # a week, as the charts show it closest, and a day
COUNTED = {
    Level.OK: gettext_lazy("%d ok"),
    Level.WARNING: gettext_lazy("%d warning"),
    Level.CRITICAL: gettext_lazy("%d critical"),
    Level.UNKNOWN: gettext_lazy("%d unknown"),
}


def probe(now: datetime) -> str:
    connected = [system for system in registry.all_systems() if is_connected(system.slug)]
    readings = [reading for system in connected for reading in probing.probe(system, now)]
    if not readings:
        return _("No system is connected.")
    counts = {level: sum(reading.level == level for reading in readings) for level in Level}
    levels = ", ".join(COUNTED[level] % count for level, count in counts.items() if count)
    sentence = ngettext("%(count)d reading: %(levels)s.", "%(count)d readings: %(levels)s.", len(readings))
    return sentence % {"count": len(readings), "levels": levels}


def tidy(now: datetime) -> str:
    """Drops what is old, and of what is not so old all but the worst of each hour."""
    old = Reading.objects.filter(measured_at__lt=now - READINGS_KEPT).delete()[0]
    until = (now - EACH_KEPT).replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "thin"), {"worst_last": [str(level) for level in RANK], "until": until})
        return _("%(old)d old readings dropped, %(between)d thinned out.") % {"old": old, "between": cursor.rowcount}


JOBS = (
    Job(
        "probe", PROBE_CRON, probe, gettext_lazy("Asks every probe of every connected system, and keeps the readings.")
    ),
    Job(
        "tidy_readings",
        "50 3 * * *",
        tidy,
        gettext_lazy("Drops readings older than ninety days; after eight, the worst of each hour stays."),
    ),
)


def room_jobs() -> tuple[Job, ...]:
    """The jobs the rooms bring along, each under its system's name; those of systems that are not connected rest."""
    return tuple(
        Job(f"{system.slug}_{job.name}", job.cron, job.run, job.what, job.catch_up)
        for system in registry.all_systems()
        if is_connected(system.slug)
        for job in system.jobs
    )
