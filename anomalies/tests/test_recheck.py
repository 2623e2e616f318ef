import pytest

from anomalies.factories import AnomalyFactory
from anomalies.models import Anomaly
from anomalies.tests.verbs import page, refuses, refuses_get, row, said
from systems.tests.paperclips.factories import OrderFactory, PaymentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def anomaly():
    OrderFactory(id=7, shipped=True)
    return AnomalyFactory(subject="7")


def test_it_asks_the_source_now(support_client, anomaly):
    PaymentFactory(order_id=7)

    assert said(page(support_client, "recheck", anomaly)) == ["Checked: it is gone."]
    assert Anomaly.objects.get().state == "cleared"


def test_it_says_that_it_is_still_there(support_client, anomaly):
    assert said(page(support_client, "recheck", anomaly)) == ["Checked: it is still there."]


def test_a_source_that_does_not_answer_clears_nothing(settings, support_client):
    settings.BILLING_SYSTEMS = ["anomalies.tests.umbrellas"]

    page(support_client, "recheck", AnomalyFactory(system="umbrellas"))

    assert (Anomaly.objects.get().presence, Anomaly.objects.get().state) == ("not_checkable", "open")


def test_a_system_that_is_no_more_is_said(support_client):
    answer = page(support_client, "recheck", AnomalyFactory(system="typewriters"))

    assert said(answer) == ["Its system is no longer part of the console."]


def test_it_refuses_get(support_client, anomaly):
    assert refuses_get(support_client, "recheck", anomaly)


def test_it_refuses_who_may_not_triage(manager_client, anomaly):
    assert refuses(manager_client, "recheck", anomaly)


def test_for_htmx_it_is_the_row_as_it_now_is(support_client, anomaly):
    assert f'id="anomaly-{anomaly.pk}"' in row(support_client, "recheck", anomaly).text
