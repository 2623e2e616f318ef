"""The made-up paperclip shop with as many unpaid orders as a proof wants, and requests about them made by the verbs."""

from datetime import datetime
from itertools import count
from typing import Any

from django.db import transaction

from adjustments import drafting, workflow
from adjustments.models import Adjustment
from anomalies.factories import AnomalyFactory
from anomalies.models import Anomaly
from systems.tests.paperclips.factories import OrderFactory
from systems.tests.paperclips.models import Order

REASON = "The bank statement shows it."


class Shop:
    def __init__(self, *, proposer: Any, now: datetime) -> None:
        self._numbers, self._proposer, self._now = count(1), proposer, now

    def anomalies(self, wanted: int) -> list[Anomaly]:
        """Orders that were shipped and never paid for, as detection tells of them."""
        numbers = [next(self._numbers) for _ in range(wanted)]
        orders = [OrderFactory.build(id=number, shipped=True) for number in numbers]
        Order.objects.using("paperclips_writer").bulk_create(orders)
        return Anomaly.objects.bulk_create(AnomalyFactory.build(subject=str(number)) for number in numbers)

    def requests(self, wanted: int, by: Any = None) -> list[Adjustment]:
        """Pending ones. Many in one transaction, which is what makes them quick; each by the verb."""
        with transaction.atomic():
            return [self._propose(anomaly, by or self._proposer) for anomaly in self.anomalies(wanted)]

    def _propose(self, anomaly: Anomaly, by: Any) -> Adjustment:
        target = drafting.for_anomaly(anomaly, "book_payment")
        seen = drafting.draft(target, now=self._now).seen
        return workflow.propose(target=target, proposer=by, reason=REASON, seen=seen, now=self._now)
