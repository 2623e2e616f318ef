"""What a probe saw, drawn: its values over time with their limits, and the shares of a distribution."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billingadmin import charts
from billingadmin.amounts import Amount
from billingadmin.charts import Chart, Limit
from billingadmin.templatetags.console import duration
from health.boards import Standing
from health.history import Point
from systems.base import Level

LIMITS = {  # the names a probe's detail gives its limits -> level, words
    "warning": (Level.WARNING, gettext_lazy("warning from")),
    "critical": (Level.CRITICAL, gettext_lazy("critical from")),
    "warning_below": (Level.WARNING, gettext_lazy("warning below")),
    "critical_below": (Level.CRITICAL, gettext_lazy("critical below")),
}


@dataclass(frozen=True)
class Share:
    """One label of a distribution."""

    label: str
    count: int
    percent: int
    colour: str


@dataclass(frozen=True)
class Distribution:
    bar: SafeString
    shares: Sequence[Share]


def shown(unit: str) -> Callable[[int], str]:
    """How a value of this unit is written on an axis."""
    return duration if unit == "seconds" else lambda value: Amount(value, unit).figure()


def in_words(value: int, unit: str) -> str:
    return duration(value) if unit == "seconds" else str(Amount(value, unit))


def value_chart(standing: Standing, points: Sequence[Point], days: int) -> Chart | None:
    """The values of the last days, by their worse end in each span; None where there is no line to draw yet."""
    detail = standing.reading.detail if standing.reading else {}
    limits = _limits(detail.get("limits"))
    falls = bool(limits) and all("below" in name for name in detail["limits"])
    values = [(point.begins, point.lowest if falls else point.highest) for point in points]
    known = [value for _moment, value in values if value is not None]
    if len(known) < 2:
        return None
    return charts.line(
        values,
        title=_("The last %(days)d days") % {"days": days},
        finding=_finding(min(known), max(known), standing.probe.unit),
        unit=_("seconds") if standing.probe.unit == "seconds" else standing.probe.unit,
        limits=limits,
        show=shown(standing.probe.unit),
        scale=charts.CLOCK if standing.probe.unit == "seconds" else (),
        height=140,
    )


def _finding(lowest: int, highest: int, unit: str) -> str:
    if lowest == highest:
        return _("Always %s.") % in_words(highest, unit)
    return _("Between %(lowest)s and %(highest)s.") % {
        "lowest": in_words(lowest, unit),
        "highest": in_words(highest, unit),
    }


def _limits(found: Any) -> list[Limit]:
    if not isinstance(found, Mapping):
        return []
    return [
        Limit(found[name], level, label) for name, (level, label) in LIMITS.items() if isinstance(found.get(name), int)
    ]


def distribution(standing: Standing) -> Distribution | None:
    """Labelled counts as a bar and the figures beneath it; None when the reading has no labels."""
    labels = standing.reading.detail.get("labels") if standing.reading else None
    if not isinstance(labels, Mapping) or not all(isinstance(count, int) for count in labels.values()):
        return None
    total = sum(labels.values()) or 1
    parts = sorted(labels.items(), key=lambda part: -part[1])
    shares = [
        Share(label, count, round(100 * count / total), charts.colour(index))
        for index, (label, count) in enumerate(parts)
    ]
    return Distribution(charts.share_bar(parts, label=str(standing.probe.title)), shares)


@dataclass(frozen=True)
class Probed:
    """One probe as its panel shows it."""

    standing: Standing
    chart: Chart | None
    distribution: Distribution | None
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]  # the offenders
    facts: Mapping[str, Any]  # whatever else the probe told


SHOWN_APART = {"labels", "limits", "rows", "columns"}


def probed(standing: Standing, points: Sequence[Point], days: int) -> Probed:
    detail = standing.reading.detail if standing.reading else {}
    columns, rows = offenders(detail)
    facts = {name: value for name, value in detail.items() if name not in SHOWN_APART}
    return Probed(standing, value_chart(standing, points, days), distribution(standing), columns, rows, facts)


def offenders(detail: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """The rows that made the level, as a table: its columns in the order in which the probe told them."""
    found = detail.get("rows")
    rows = [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []
    columns = detail.get("columns")
    if not isinstance(columns, list):
        columns = list(dict.fromkeys(name for row in rows for name in row))
    return columns, [[row.get(name) for name in columns] for row in rows]
