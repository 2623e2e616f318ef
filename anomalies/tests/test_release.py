import pytest

from anomalies import triage
from anomalies.factories import AnomalyFactory
from anomalies.tests.conftest import NOW
from anomalies.tests.verbs import entries, page, refuses, refuses_get, row, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def anomaly(support):
    return AnomalyFactory(owner=support, claimed_at=NOW)


def test_releasing_puts_it_back_on_the_desk(support, anomaly):
    triage.release(anomaly=anomaly, by=support, now=NOW)

    anomaly.refresh_from_db()
    assert (anomaly.owner, anomaly.claimed_at) == (None, None)


def test_it_is_recorded(support, anomaly):
    triage.release(anomaly=anomaly, by=support, now=NOW)

    (entry,) = entries(anomaly)
    assert (entry.action_type, entry.metadata["before"]) == ("anomaly_released", {"owner": support.pk})


def test_it_refuses_get(support_client, anomaly):
    assert refuses_get(support_client, "release", anomaly)


def test_it_refuses_who_may_not_triage(manager_client, anomaly):
    assert refuses(manager_client, "release", anomaly)


def test_it_stays_calm_when_nobody_has_it(support_client):
    anomaly = AnomalyFactory()

    assert said(page(support_client, "release", anomaly)) == ["Nobody had it."]
    assert entries(anomaly) == []


def test_what_is_anothers_stays_theirs(support, approver, anomaly):
    with pytest.raises(triage.AlreadyClaimed, match=support.name):
        triage.release(anomaly=anomaly, by=approver, now=NOW)


def test_without_htmx_it_leads_back_to_the_page(support_client, anomaly):
    assert page(support_client, "release", anomaly).redirect_chain == [(f"/anomalies/{anomaly.pk}/", 302)]


def test_for_htmx_it_is_the_row_as_it_now_is(support_client, anomaly):
    assert "Claim" in row(support_client, "release", anomaly).text
