import pytest

from anomalies import triage
from anomalies.factories import AnomalyFactory
from anomalies.models import Anomaly, StepTick
from anomalies.tests.conftest import NOW
from anomalies.tests.verbs import entries, page, refuses, refuses_get, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def anomaly():
    return AnomalyFactory()


def test_a_step_is_ticked_by_somebody_for_this_occurrence(support, anomaly):
    triage.tick(anomaly=anomaly, by=support, step="ask", now=NOW)

    tick = StepTick.objects.get()
    assert (tick.step, tick.by, tick.at, tick.occurrence) == ("ask", support, NOW, 1)
    assert entries(anomaly)[0].action_type == "anomaly_step_ticked"


@pytest.mark.parametrize("verb", ["tick", "untick"])
def test_it_refuses_get(support_client, anomaly, verb):
    assert refuses_get(support_client, verb, anomaly)


@pytest.mark.parametrize("verb", ["tick", "untick"])
def test_it_refuses_who_may_not_triage(manager_client, anomaly, verb):
    assert refuses(manager_client, verb, anomaly, step="ask")


def test_it_stays_calm_when_somebody_was_faster(support, approver_client, anomaly):
    triage.tick(anomaly=anomaly, by=support, step="ask", now=NOW)

    assert said(page(approver_client, "tick", anomaly, step="ask")) == ["Somebody had ticked it already."]
    assert StepTick.objects.get().by == support


def test_a_tick_can_be_taken_back(support, support_client, anomaly):
    triage.tick(anomaly=anomaly, by=support, step="ask", now=NOW)

    page(support_client, "untick", anomaly, step="ask")

    assert not StepTick.objects.exists()
    assert [entry.action_type for entry in entries(anomaly)] == ["anomaly_step_ticked", "anomaly_step_unticked"]


def test_coming_back_starts_the_steps_anew(support, support_client, anomaly):
    triage.tick(anomaly=anomaly, by=support, step="ask", now=NOW)
    Anomaly.objects.update(occurrence=2)

    assert "data-done" not in support_client.get(f"/anomalies/{anomaly.pk}/").text


def test_only_the_runbooks_steps_can_be_ticked(support_client, anomaly):
    assert page(support_client, "tick", anomaly, step="dance").status_code == 404
