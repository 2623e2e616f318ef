import pytest

from anomalies import triage
from anomalies.factories import AnomalyFactory
from anomalies.models import Anomaly
from anomalies.tests.conftest import NOW
from anomalies.tests.verbs import entries
from audit.log import SYSTEM_ACTOR

pytestmark = pytest.mark.django_db

ADJUSTMENT = "00000000-0000-4000-8000-000000000002"


def settle(anomaly, occurrence=1):
    return triage.settle(anomaly=anomaly, actor=SYSTEM_ACTOR, adjustment_id=ADJUSTMENT, occurrence=occurrence, now=NOW)


@pytest.mark.parametrize("situation", [{}, {"snoozed": True}, {"dismissed": True}, {"cleared": True}])
def test_an_applied_adjustment_settles_whatever_was_decided_before(support, situation):
    anomaly = AnomalyFactory(by=support, **situation)

    assert settle(anomaly)

    found = Anomaly.objects.get()
    assert (found.state, str(found.settled_by), found.decided_at) == ("settled", ADJUSTMENT, NOW)
    assert entries(anomaly)[-1].metadata["after"] == {"settled_by": ADJUSTMENT}


def test_it_does_not_settle_what_came_back_meanwhile():
    anomaly = AnomalyFactory(occurrence=2)

    assert settle(anomaly, occurrence=1) is False

    assert Anomaly.objects.get().state == "open"
    assert entries(anomaly) == []


def test_what_is_settled_stays_with_the_adjustment_that_did_it():
    anomaly = AnomalyFactory(settled=True)

    assert settle(anomaly) is False

    assert str(Anomaly.objects.get().settled_by) != ADJUSTMENT
