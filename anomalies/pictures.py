"""How a system's anomalies have come and stood over the last month, as charts on its health page."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, Sum, When
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from anomalies.models import Anomaly, AnomalyQuerySet, DetectionRun
from anomalies.models.states import ANSWERED, Presence
from anomalies.rooms import named
from billingadmin import charts
from billingadmin.amounts import Amount
from systems import registry
from systems.base import System, Verdict

DAYS = 30
ENDED_AT = Case(
    When(decision__in=ANSWERED, then=F("decided_at")),
    When(presence=Presence.ABSENT, then=F("checked_at")),
    default=None,
)
SERIES = 5  # rules with a colour of their own; the rest are one


def health_panel(request: HttpRequest, slug: str) -> Mapping[str, Any] | None:
    system, now = registry.get(slug), timezone.now()
    context = {
        "system": system,
        "per_day": per_day(system, now),
        "at_risk": at_risk(system, now),
        "runs": DetectionRun.objects.for_system(slug).newest_first()[:5],
        "now": now,
    }
    return {"title": _("Anomalies"), "html": render_to_string("anomalies/_health.html", context, request)}


def per_day(system: System, now: datetime) -> charts.Chart:
    """Anomalies by the day they were observed, which begins where the system does business."""
    days = _days(system, now)
    counts = _counts(system, days)
    totals = Counter({rule: sum(by_day.values()) for rule, by_day in counts.items()})
    series = {_title(system, rule): [counts[rule][day] for day in days] for rule, _n in totals.most_common(SERIES)}
    others = [rule for rule, _n in totals.most_common()[SERIES:]]
    if others:
        series[_("others")] = [sum(counts[rule][day] for rule in others) for day in days]
    return charts.bars(days, series, title=_("Anomalies per day, by rule"), finding=_finding(totals, counts, days))


def _days(system: System, now: datetime) -> list[date]:
    today = now.astimezone(system.zone).date()
    return [today - timedelta(days=back) for back in reversed(range(DAYS))]


def _counts(system: System, days: Sequence[date]) -> dict[str, Counter[date]]:
    begin = datetime(days[0].year, days[0].month, days[0].day, tzinfo=system.zone)
    found = Anomaly.objects.for_system(system.slug).filter(observed_at__gte=begin, verdict=Verdict.ANOMALY)
    rows = found.annotate(day=TruncDate("observed_at", tzinfo=system.zone)).values_list("rule", "day")
    counts: dict[str, Counter[date]] = defaultdict(Counter)
    for rule, day, count in rows.annotate(count=Count("pk")).order_by("rule"):
        counts[rule][day] = count
    return counts


def _title(system: System, rule: str) -> str:
    return str(named(system.slug, rule).title)


def _finding(totals: Counter[str], counts: Mapping[str, Counter[date]], days: Sequence[date]) -> str:
    by_day = Counter({day: sum(by_day[day] for by_day in counts.values()) for day in days})
    if not totals:
        return _("None in %d days.") % DAYS
    worst, most = by_day.most_common(1)[0]
    words = ngettext("%(count)d in %(days)d days", "%(count)d in %(days)d days", totals.total())
    told = words % {"count": totals.total(), "days": DAYS}
    return _("%(told)s, most on %(day)s (%(most)d).") % {"told": told, "day": worst.isoformat(), "most": most}


def at_risk(system: System, now: datetime) -> charts.Chart | None:
    """What stood unanswered at the end of each day, as far as is known today: an anomaly is at risk from when it was
    observed until it was answered or found gone."""
    days = _days(system, now)
    counted = Anomaly.objects.for_system(system.slug).filter(unit=system.unit).exclude(verdict=Verdict.EXPECTED)
    came = _sums(counted, "observed_at", system, now)
    went = _sums(counted.annotate(ended_at=ENDED_AT).exclude(ended_at=None), "ended_at", system, now)
    if not came:
        return None
    values = [sum(_until(came, day)) - sum(_until(went, day)) for day in days]
    newest = Amount(values[-1], system.unit)
    finding = _("%(amount)s stand unanswered, %(before)s a month ago.") % {
        "amount": newest,
        "before": Amount(values[0], system.unit).figure(),
    }
    points = list(zip(days, values, strict=True))
    return charts.line(points, title=_("Value at risk"), finding=finding, unit=newest.unit_label())


def _sums(found: AnomalyQuerySet, moment: str, system: System, now: datetime) -> dict[date, int]:
    rows = found.filter(**{f"{moment}__lte": now}).annotate(day=TruncDate(moment, tzinfo=system.zone))
    return dict(rows.values_list("day").annotate(sum=Sum("at_risk")).order_by("day"))


def _until(sums: Mapping[date, int], day: date) -> Iterator[int]:
    return (amount for on, amount in sums.items() if on <= day)
