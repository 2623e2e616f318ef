import pytest

from anomalies import triage
from anomalies.factories import AnomalyFactory
from anomalies.models import Anomaly
from anomalies.tests.conftest import NOW
from anomalies.tests.verbs import entries, page, refuses, refuses_get, row, said

pytestmark = pytest.mark.django_db

ADJUSTMENT = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def anomaly(support):
    return AnomalyFactory(dismissed=True, by=support)


def again(anomaly):
    return Anomaly.objects.get(pk=anomaly.pk)


@pytest.mark.parametrize("situation", ["dismissed", "snoozed"])
def test_reopening_takes_the_decision_back(support, approver, situation):
    anomaly = AnomalyFactory(by=support, **{situation: True})

    triage.reopen(anomaly=anomaly, by=approver, now=NOW)

    found = again(anomaly)
    assert (found.state, found.decided_by, found.dismissal, found.snoozed_until) == ("open", None, "", None)


def test_the_history_keeps_what_was_decided(support, approver, anomaly):
    triage.reopen(anomaly=anomaly, by=approver, now=NOW, note="It was no gift.")

    (entry,) = entries(anomaly)
    assert (entry.action_type, entry.reason) == ("anomaly_reopened", "It was no gift.")
    assert entry.metadata["before"]["decision_note"] == "A sample for a fair."


def test_it_refuses_get(support_client, anomaly):
    assert refuses_get(support_client, "reopen", anomaly)


def test_it_refuses_who_may_not_triage(manager_client, anomaly):
    assert refuses(manager_client, "reopen", anomaly)


def test_it_stays_calm_when_it_is_open_already(support_client):
    assert said(page(support_client, "reopen", AnomalyFactory())) == ["It was open already."]


def test_what_an_adjustment_settled_is_reopened_by_its_reversal(support, support_client):
    anomaly = AnomalyFactory(settled=True)

    answer = page(support_client, "reopen", anomaly)

    assert said(answer) == ["An adjustment settled it. If that was wrong, reverse the adjustment."]
    assert triage.unsettle(anomaly=anomaly, actor=support.actor, adjustment_id=ADJUSTMENT, now=NOW)
    assert again(anomaly).state == "open"


def test_a_reversal_of_another_adjustment_changes_nothing(support):
    anomaly = AnomalyFactory(settled=True)

    other = ADJUSTMENT[:-1] + "2"

    assert triage.unsettle(anomaly=anomaly, actor=support.actor, adjustment_id=other, now=NOW) is False
    assert again(anomaly).state == "settled"


def test_for_htmx_it_is_the_row_as_it_now_is(support_client, anomaly):
    assert "dismissed" not in row(support_client, "reopen", anomaly).text
