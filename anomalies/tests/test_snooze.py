from datetime import timedelta

import pytest
from django.utils import timezone

from anomalies import triage
from anomalies.factories import AnomalyFactory
from anomalies.models import Anomaly
from anomalies.tests.conftest import NOW
from anomalies.tests.verbs import entries, page, refuses, refuses_get, row, said

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)
WHY = "The bank is closed."


@pytest.fixture
def anomaly():
    return AnomalyFactory()


def again(anomaly):
    return Anomaly.objects.get(pk=anomaly.pk)


def test_it_sleeps_until_a_time(support, anomaly):
    triage.snooze(anomaly=anomaly, by=support, now=NOW, until=NOW + WEEK, note=WHY)

    found = again(anomaly)
    assert (found.state, found.snoozed_until, found.decision_note) == ("snoozed", NOW + WEEK, WHY)
    assert (found.decided_by, found.decided_at) == (support, NOW)


def test_it_sleeps_until_it_grows(support, anomaly):
    triage.snooze(anomaly=anomaly, by=support, now=NOW, note=WHY, grow_count=5, grow_amount=10_000)

    assert (again(anomaly).grow_count, again(anomaly).grow_amount) == (5, 10_000)


def test_it_is_recorded(support, anomaly):
    triage.snooze(anomaly=anomaly, by=support, now=NOW, note=WHY, until=NOW + WEEK)

    (entry,) = entries(anomaly)
    assert (entry.action_type, entry.reason) == ("anomaly_snoozed", WHY)
    assert entry.metadata["after"]["snoozed_until"] == "2026-11-09T12:00:00Z"


def test_it_refuses_get(support_client, anomaly):
    assert refuses_get(support_client, "snooze", anomaly)


def test_it_refuses_who_may_not_triage(auditor_client, anomaly):
    assert refuses(auditor_client, "snooze", anomaly, **{"snooze-until": "1d"})


def test_snoozing_again_moves_the_time(support, anomaly):
    triage.snooze(anomaly=anomaly, by=support, now=NOW, note=WHY, until=NOW + WEEK)

    triage.snooze(anomaly=anomaly, by=support, now=NOW, note=WHY, until=NOW + 2 * WEEK)

    assert again(anomaly).snoozed_until == NOW + 2 * WEEK


def test_what_another_has_claimed_is_theirs_to_snooze(support, approver):
    with pytest.raises(triage.AlreadyClaimed):
        triage.snooze(
            anomaly=AnomalyFactory(owner=support, claimed_at=NOW), by=approver, now=NOW, note=WHY, until=NOW + WEEK
        )


def test_what_is_answered_cannot_be_snoozed(support, approver):
    with pytest.raises(triage.AlreadyDecided):
        triage.snooze(
            anomaly=AnomalyFactory(dismissed=True, by=approver), by=support, now=NOW, note=WHY, until=NOW + WEEK
        )


@pytest.mark.parametrize(
    ("typed", "said_of_it"),
    [
        ({"snooze-until": ""}, "Say until when, or until how much it grows."),
        ({"snooze-until": "at"}, "Say until when."),
        ({"snooze-until": "at", "snooze-at": "2020-01-01T00:00"}, "That time has passed."),
        ({"snooze-until": "at", "snooze-at": "soon"}, "Enter a valid date/time."),
        ({"snooze-until": "", "snooze-grow_count": "-1"}, "greater than or equal to 0"),
        ({"snooze-until": "", "snooze-grow_amount": "much"}, "“much” is not a number"),
        ({"snooze-until": "", "snooze-grow_amount": "-5"}, "A limit is not below zero."),
    ],
)
def test_a_form_that_makes_no_sense_comes_back_with_what_was_typed(support_client, anomaly, typed, said_of_it):
    answer = page(support_client, "snooze", anomaly, **typed, **{"snooze-note": WHY})

    assert answer.status_code == 422
    assert said_of_it in answer.text
    assert WHY in answer.text
    assert again(anomaly).state == "open"


@pytest.mark.parametrize("typed", ["", "   "])
def test_who_lets_it_be_says_why(support, support_client, anomaly, typed):
    answer = page(support_client, "snooze", anomaly, **{"snooze-until": "1d", "snooze-note": typed})

    assert answer.status_code == 422
    with pytest.raises(triage.Unfit, match="Say why"):
        triage.snooze(anomaly=anomaly, by=support, now=NOW, note=typed, until=NOW + WEEK)
    assert again(anomaly).state == "open"


def test_what_has_no_amount_has_no_limit_in_money(support_client):
    assert "snooze-grow_amount" not in support_client.get(f"/anomalies/{AnomalyFactory(amount=None).pk}/").text


def test_without_htmx_it_leads_back_to_the_page(support_client, anomaly):
    answer = page(
        support_client, "snooze", anomaly, **{"snooze-until": "7d", "snooze-grow_amount": "1,000", "snooze-note": WHY}
    )

    assert said(answer) == ["Snoozed."]
    assert again(anomaly).grow_amount == 1000
    assert abs(again(anomaly).snoozed_until - timezone.now() - WEEK) < timedelta(minutes=5)


def test_for_htmx_it_is_the_row_as_it_now_is(support_client, anomaly):
    assert (
        'data-state="snoozed"'
        in row(support_client, "snooze", anomaly, **{"snooze-until": "7d", "snooze-note": WHY}).text
    )
