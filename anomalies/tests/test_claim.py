from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from anomalies import triage
from anomalies.factories import MOMENT, AnomalyFactory
from anomalies.tests.conftest import NOW
from anomalies.tests.verbs import entries, page, refuses, refuses_get, row, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def anomaly():
    return AnomalyFactory()


def test_claiming_makes_it_mine(support, anomaly):
    triage.claim(anomaly=anomaly, by=support, now=NOW)

    anomaly.refresh_from_db()
    assert (anomaly.owner, anomaly.claimed_at) == (support, NOW)


def test_it_is_recorded(support, anomaly):
    triage.claim(anomaly=anomaly, by=support, now=NOW)

    (entry,) = entries(anomaly)
    assert (entry.action_type, entry.actor_id, entry.system) == ("anomaly_claimed", support.actor.id, "paperclips")
    assert entry.metadata["after"] == {"owner": support.pk}


def test_it_refuses_get(support_client, anomaly):
    assert refuses_get(support_client, "claim", anomaly)


@pytest.mark.parametrize("who", ["manager", "auditor", "admin"])
def test_it_refuses_who_may_not_triage(request, who, anomaly):
    assert refuses(request.getfixturevalue(f"{who}_client"), "claim", anomaly)

    anomaly.refresh_from_db()
    assert anomaly.owner is None


def test_it_stays_calm_when_it_is_mine_already(support, anomaly):
    triage.claim(anomaly=anomaly, by=support, now=NOW)

    assert triage.claim(anomaly=anomaly, by=support, now=NOW + timedelta(hours=1)) is False

    anomaly.refresh_from_db()
    assert anomaly.claimed_at == NOW
    assert len(entries(anomaly)) == 1


def test_the_second_person_is_told_who_was_first(support, approver, approver_client, anomaly):
    triage.claim(anomaly=anomaly, by=support, now=timezone.now() - timedelta(minutes=2))

    answer = page(approver_client, "claim", anomaly)

    anomaly.refresh_from_db()
    assert anomaly.owner == support
    assert said(answer) == [f"{support.name} claimed it 2 minutes ago."]
    assert len(entries(anomaly)) == 1


def test_it_can_be_taken_over_from_whom_one_saw(support, approver, anomaly):
    triage.claim(anomaly=anomaly, by=support, now=NOW)

    triage.claim(anomaly=anomaly, by=approver, now=NOW, instead_of=support.pk)

    anomaly.refresh_from_db()
    assert anomaly.owner == approver
    assert entries(anomaly)[-1].metadata["before"] == {"owner": support.pk}


def test_it_is_not_taken_over_from_somebody_else(support, approver, second_approver, anomaly):
    triage.claim(anomaly=anomaly, by=second_approver, now=NOW)

    with pytest.raises(triage.AlreadyClaimed, match=second_approver.name):
        triage.claim(anomaly=anomaly, by=approver, now=NOW, instead_of=support.pk)


def test_what_is_answered_cannot_be_claimed(support, approver):
    anomaly = AnomalyFactory(dismissed=True, by=approver)

    with pytest.raises(triage.AlreadyDecided, match=f"dismissed already, by {approver.name}, 2 days ago"):
        triage.claim(anomaly=anomaly, by=support, now=MOMENT + timedelta(days=2))


def test_what_is_cleared_cannot_be_claimed(support):
    with pytest.raises(triage.AlreadyDecided, match="cleared already"):
        triage.claim(anomaly=AnomalyFactory(cleared=True), by=support, now=NOW)


def test_without_htmx_it_leads_back_to_the_page(support_client, anomaly):
    answer = page(support_client, "claim", anomaly)

    assert answer.redirect_chain == [(f"/anomalies/{anomaly.pk}/", 302)]
    assert said(answer) == ["It is yours."]


def test_it_leads_back_to_the_queue_it_was_asked_from_and_nowhere_else(support_client, anomaly):
    assert page(support_client, "claim", anomaly, next="/anomalies/?q=7").redirect_chain == [("/anomalies/?q=7", 302)]
    assert page(support_client, "release", anomaly, next="https://evil.example/").redirect_chain[0][0].startswith("/")


def test_for_htmx_it_is_the_row_as_it_now_is(support_client, anomaly):
    answer = row(support_client, "claim", anomaly)

    assert answer.status_code == 200
    assert f'id="anomaly-{anomaly.pk}"' in answer.text
    assert "Release" in answer.text
    assert "<html" not in answer.text


def test_for_htmx_a_refusal_is_the_row_and_the_reason(support, approver_client, anomaly):
    triage.claim(anomaly=anomaly, by=support, now=timezone.now())

    answer = row(approver_client, "claim", anomaly)

    assert answer.status_code == 409
    assert f"{support.name} claimed it a moment ago." in answer.text


def test_an_owner_that_is_no_number_is_nobody(support_client, anomaly):
    assert said(page(support_client, "claim", anomaly, instead_of="９" * 40)) == ["It is yours."]


def test_what_is_not_there_is_not_found(support_client):
    assert support_client.post("/anomalies/4711/claim/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_wins(support, approver, anomaly):
    def attempt(person):
        try:
            return triage.claim(anomaly=anomaly, by=person, now=NOW)
        except triage.AlreadyClaimed:
            return False
        finally:
            connection.close()

    crowd = [support, approver] * 4
    with ThreadPoolExecutor(max_workers=8) as pool:
        wins = [who for who, won in zip(crowd, pool.map(attempt, crowd), strict=True) if won]

    anomaly.refresh_from_db()
    assert wins == [anomaly.owner]
    assert len(entries(anomaly)) == 1
