"""What this engine measures of each system: whether anybody looks, how much is open, and what it is worth.

Kept with the room's own readings, so that they have levels and a history like any other.
"""

from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from anomalies.models import DetectionRun
from anomalies.standing import standing
from billingadmin.amounts import Amount
from billingadmin.tones import SEVERITIES
from systems.base import Level, Measurement, Probe, Severity, Source, System

LATE, DEAD = 2 * 3600, 6 * 3600  # seconds: detection runs hourly
WORST = ((Severity.CRITICAL, Level.CRITICAL), (Severity.MAJOR, Level.WARNING))


def probes(system: System) -> tuple[Probe, ...]:
    """The same three for every system; they ask the console's own tables, never the source."""
    return (
        Probe(
            code="last_good_detection",
            title=gettext_lazy("Age of the last good detection"),
            unit="seconds",
            measure=partial(last_good_detection, system.slug),
        ),
        Probe(
            code="open_anomalies",
            title=gettext_lazy("Open anomalies"),
            unit="anomalies",
            measure=partial(open_anomalies, system.slug),
        ),
        Probe(
            code="value_at_risk",
            title=gettext_lazy("Value at risk"),
            unit=system.unit,
            measure=partial(value_at_risk, system.slug, system.unit),
        ),
    )


def last_good_detection(slug: str, source: Source) -> Measurement:
    run = DetectionRun.objects.for_system(slug).done().newest_first().first()
    if run is None:
        return Measurement(level=Level.UNKNOWN, why=_("Detection has never run to its end."))
    age = max(0, int((source.now - run.started_at).total_seconds()))
    level = Level.CRITICAL if age >= DEAD else Level.WARNING if age >= LATE else Level.OK
    why = _("The last run in which every rule answered began at %(at)s UTC.") % {
        "at": f"{run.started_at:%Y-%m-%d %H:%M}"
    }
    return Measurement(level=level, value=age, why=why, detail={"limits": {"warning": LATE, "critical": DEAD}})


def open_anomalies(slug: str, source: Source) -> Measurement:
    counts = standing(slug)["open"]
    total = sum(counts.values())
    level = next((level for severity, level in WORST if counts.get(severity)), Level.OK)
    why = ngettext("%(count)d anomaly is open.", "%(count)d anomalies are open.", total) % {"count": total}
    told = {str(SEVERITIES[severity]): counts[severity] for severity in reversed(Severity) if counts.get(severity)}
    return Measurement(level=level, value=total, why=why, detail={"labels": told} if told else {})


def value_at_risk(slug: str, unit: str, source: Source) -> Measurement:
    """No level but ok: what is too much nobody has said."""
    value = standing(slug)["at_risk"].get(unit, 0)
    why = _("%(amount)s in open and snoozed anomalies.") % {"amount": Amount(value, unit)}
    return Measurement(level=Level.OK, value=value, why=why)
