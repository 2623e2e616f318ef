from datetime import timedelta

import pytest
from django.db import connections

from accounts.demo import CAST, build_cast
from adjustments import demo
from adjustments.models import Adjustment, Preview
from adjustments.states import State
from anomalies.detection import detect
from anomalies.models import Anomaly
from audit.log import SYSTEM_ACTOR
from systems import registry
from systems.tests.paperclips.models import Order, Payment

pytestmark = pytest.mark.django_db

PASSWORDS = {member.email: member.password for member in CAST.values()}


@pytest.fixture
def lived_in(key_table, now):
    """The shop's own demo, looked through, a week later."""
    shop = registry.get("paperclips")
    with connections["paperclips_writer"].cursor() as cursor:
        shop.demo.build(cursor, now - timedelta(days=9), 20261102)
    build_cast(now - timedelta(days=90))
    detect(shop, now=now, whole=True, actor=SYSTEM_ACTOR)
    return shop


def test_it_shows_requests_in_many_states(lived_in, now):
    demo.build(now, PASSWORDS)

    made = Adjustment.objects.values_list("state", flat=True)
    assert set(made) == {State.PENDING, State.APPLIED, State.REJECTED, State.WITHDRAWN, State.EXPIRED}
    assert Adjustment.objects.filter(reverses__isnull=False).exists()
    assert Adjustment.objects.filter(revision=2).exists()
    assert not Preview.objects.exclude(stage=Preview.Stage.DONE).exists()


def test_what_it_applied_is_posted_and_settled(lived_in, now):
    before = Payment.objects.count()

    demo.build(now, PASSWORDS)

    applied = Adjustment.objects.filter(state=State.APPLIED).count()
    assert Anomaly.objects.filter(decision="settled").count() == applied
    assert Payment.objects.count() + Payment.objects.filter(voided=True).count() >= before


def test_it_leaves_anomalies_of_each_rule_to_try(lived_in, now):
    demo.build(now, PASSWORDS)

    for rule in Anomaly.objects.values_list("rule", flat=True).distinct():
        assert Anomaly.objects.open().filter(rule=rule).exists()


def test_a_second_time_it_adds_nothing(lived_in, now):
    for _ in range(2):
        demo.build(now, PASSWORDS)
    count = Adjustment.objects.count()

    demo.build(now, PASSWORDS)

    assert Adjustment.objects.count() == count


def test_a_ledger_that_refuses_leaves_something_to_look_at(lived_in, now):
    Order.objects.using("paperclips_writer").update(state="cancelled")

    demo.build(now, PASSWORDS)

    assert Adjustment.objects.filter(state=State.NEEDS_ATTENTION).count() == 2
    assert not Adjustment.objects.filter(reverses__isnull=False).exists()
