"""This engine's figures on the boards: what is open, what it is worth, when detection last looked."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Sum
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from anomalies.models import Anomaly, DetectionRun
from anomalies.models.runs import RunState
from anomalies.models.states import State
from billingadmin.amounts import Amount, capped
from billingadmin.tones import SEVERITIES
from systems import registry
from systems.base import Level, Severity

SILENT_AFTER = timedelta(hours=2)  # detection runs hourly: later than that, nobody is looking
WORST = ((Severity.CRITICAL, Level.CRITICAL), (Severity.MAJOR, Level.WARNING))


def figures(now: datetime) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Two queries for all systems."""
    by_severity, at_risk = _standing()
    runs = {run.system: run for run in _newest_runs()}
    return {
        slug: [
            _open(slug, by_severity[slug]),
            *_at_risk(slug, at_risk[slug]),
            _detection(slug, runs.get(slug), now),
        ]
        for slug in [system.slug for system in registry.all_systems()]
    }


def _standing() -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    by_severity: dict[str, Counter[str]] = defaultdict(Counter)
    at_risk: dict[str, Counter[str]] = defaultdict(Counter)
    rows = Anomaly.objects.at_risk().values_list("system", "state", "severity", "unit")
    for slug, state, severity, unit, count, amount in rows.annotate(count=Count("pk"), amount=Sum("at_risk")):
        if state == State.OPEN:
            by_severity[slug][severity] += count
        if unit:
            at_risk[slug][unit] += amount
    return by_severity, at_risk


def _newest_runs() -> Sequence[DetectionRun]:
    return DetectionRun.objects.finished().order_by("system", "-started_at", "-pk").distinct("system")


def _open(slug: str, by_severity: Counter[str]) -> Mapping[str, Any]:
    told = [(severity, by_severity[severity]) for severity in reversed(Severity) if by_severity[severity]]
    return {
        "label": _("Open anomalies"),
        "value": capped(sum(by_severity.values())),
        "note": _counted(told),
        "url": _queue(system=slug),
        "level": next((level for severity, level in WORST if by_severity[severity]), Level.OK),
    }


def _counted(told: Sequence[tuple[Severity, int]]) -> str:
    form = pgettext("how many of a severity", "%(count)s %(severity)s")
    return ", ".join(form % {"count": capped(count), "severity": SEVERITIES[severity]} for severity, count in told)


def _at_risk(slug: str, at_risk: Counter[str]) -> Sequence[Mapping[str, Any]]:
    if not at_risk:
        return ()
    amounts = format_html_join(", ", "{}", ((Amount(value, unit),) for unit, value in sorted(at_risk.items())))
    url = _queue(system=slug, order="largest")
    return ({"label": _("Value at risk"), "value": amounts, "note": "", "url": url, "level": ""},)


def _detection(slug: str, run: DetectionRun | None, now: datetime) -> Mapping[str, Any]:
    told = {"label": _("Newest detection"), "at": run.started_at if run else None, "url": "", "note": "", "level": ""}
    if run is None:
        return {**told, "level": Level.UNKNOWN, "note": _("Detection has never run.")}
    if run.state == RunState.FAILED:
        return {**told, "level": Level.CRITICAL, "note": _("The newest detection failed: %s") % first_line(run.error)}
    if now - run.started_at > SILENT_AFTER:
        return {**told, "level": Level.WARNING, "note": _("Detection has not run for over two hours.")}
    return {**told, "level": Level.OK}


def first_line(text: str) -> str:
    return text.partition("\n")[0][:200]


def _queue(**asked: str) -> str:
    return f"{reverse('anomalies:queue')}?{urlencode(asked)}"
