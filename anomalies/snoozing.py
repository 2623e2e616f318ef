"""Ends a snooze: when its time has come, or when what was let be has grown past what the person allowed."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Sum

from anomalies.models import Anomaly, Check, DetectionRun
from anomalies.models.states import Presence
from anomalies.models.work import CheckEvent
from anomalies.observation import UNDECIDED
from systems.base import Verdict


def wake(slug: str, *, now: datetime, run: DetectionRun | None = None) -> int:
    """Opens what has slept long enough in one system; returns how many."""
    with transaction.atomic():
        asleep = Anomaly.objects.for_system(slug).snoozed().select_for_update(no_key=True).order_by("pk")
        woken = [anomaly for anomaly in asleep if _is_over(anomaly, now)]
        woken += _grown([anomaly for anomaly in asleep if anomaly not in woken], slug)
        _open(woken, now, run)
    return len(woken)


def _is_over(anomaly: Anomaly, now: datetime) -> bool:
    return anomaly.snoozed_until is not None and anomaly.snoozed_until <= now


def _grown(asleep: Iterable[Anomaly], slug: str) -> list[Anomaly]:
    limited = [anomaly for anomaly in asleep if anomaly.grow_count is not None or anomaly.grow_amount is not None]
    sizes = _sizes(slug) if limited else {}
    return [anomaly for anomaly in limited if _is_past(anomaly, *sizes.get(anomaly.rule, (0, 0)))]


def _is_past(anomaly: Anomaly, count: int, amount: int) -> bool:
    too_many = anomaly.grow_count is not None and count > anomaly.grow_count
    return too_many or (anomaly.grow_amount is not None and amount > anomaly.grow_amount)


def _sizes(slug: str) -> dict[str, tuple[int, int]]:
    """How many there are by rule, and what is at risk by it: the same figures the snooze form showed."""
    unanswered = Anomaly.objects.for_system(slug).at_risk()
    rows = unanswered.values_list("rule").annotate(count=Count("pk"), amount=Sum("at_risk"))
    return {rule: (count, amount) for rule, count, amount in rows}


def _open(woken: list[Anomaly], now: datetime, run: DetectionRun | None) -> None:
    Anomaly.objects.filter(pk__in=[anomaly.pk for anomaly in woken]).update(**UNDECIDED)
    Check.objects.bulk_create(
        Check(
            anomaly=anomaly,
            run=run,
            at=now,
            event=CheckEvent.WOKEN,
            presence=Presence(anomaly.presence),
            verdict=Verdict(anomaly.verdict),
        )
        for anomaly in woken
    )
