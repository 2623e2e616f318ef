import pytest
from django.urls import reverse

from anomalies.factories import MOMENT, AnomalyFactory
from anomalies.models import Anomaly

pytestmark = pytest.mark.django_db

WHY = {"bulk-reason": "expected", "bulk-note": "Gifts for the fair.", "sure": "1"}


def bulk(client, verb, anomalies, **data):
    picked = [anomaly.pk if isinstance(anomaly, Anomaly) else anomaly for anomaly in anomalies]
    return client.post(reverse("anomalies:bulk"), {"verb": verb, "pick": picked, **data})


def test_several_are_claimed_at_once(support, support_client):
    bulk(support_client, "claim", [AnomalyFactory(), AnomalyFactory()])

    assert {anomaly.owner for anomaly in Anomaly.objects.all()} == {support}


def test_each_has_its_own_outcome(support, approver, support_client):
    done = AnomalyFactory()
    mine = AnomalyFactory(owner=support, claimed_at=MOMENT)
    taken = AnomalyFactory(owner=approver, claimed_at=MOMENT)

    answer = bulk(support_client, "claim", [done, mine, taken])

    assert [outcome.state for outcome in answer.context["outcomes"]] == ["done", "skipped", "refused"]
    assert f"{approver.name} claimed it" in answer.text


@pytest.mark.parametrize(("verb", "leads"), [("claim", "owner=me"), ("dismiss", "state=dismissed")])
def test_it_leads_back_to_the_queue_with_a_link_to_what_came_of_it(support_client, verb, leads):
    answer = bulk(support_client, verb, [AnomalyFactory(), AnomalyFactory()], next="/anomalies/?q=7", **WHY)

    assert answer.url == "/anomalies/?q=7"
    shown = support_client.get(answer.url).text
    assert "2 anomalies are" in shown
    assert f'<a href="/anomalies/?{leads}">' in shown
    assert support_client.get(f"/anomalies/?{leads}").context["rows"]


@pytest.mark.parametrize("verb", ["dismiss", "snooze"])
def test_a_decision_asks_first_once_for_all(support_client, verb):
    answer = bulk(support_client, verb, [AnomalyFactory(), AnomalyFactory()])

    assert answer.status_code == 200
    assert len(answer.context["rows"]) == 2
    assert {anomaly.state for anomaly in Anomaly.objects.all()} == {"open"}


def test_several_are_dismissed_with_one_reason(support_client):
    bulk(support_client, "dismiss", [AnomalyFactory(), AnomalyFactory()], **WHY)

    assert {anomaly.decision_note for anomaly in Anomaly.objects.all()} == {"Gifts for the fair."}


def test_several_are_snoozed(support_client):
    bulk(
        support_client,
        "snooze",
        [AnomalyFactory(), AnomalyFactory()],
        sure="1",
        **{"bulk-until": "1d", "bulk-note": "The bank is closed."},
    )

    assert {anomaly.state for anomaly in Anomaly.objects.all()} == {"snoozed"}


@pytest.mark.parametrize(
    ("verb", "typed"),
    [
        ("dismiss", {**WHY, "bulk-note": ""}),
        ("snooze", {"sure": "1", "bulk-until": "", "bulk-note": "So."}),
        ("snooze", {"sure": "1", "bulk-until": "1d"}),
    ],
)
def test_a_form_that_makes_no_sense_comes_back(support_client, verb, typed):
    answer = bulk(support_client, verb, [AnomalyFactory()], **typed)

    assert answer.status_code == 422
    assert Anomaly.objects.get().state == "open"


@pytest.mark.parametrize("picked", [[], ["x"], ["9" * 40], [4711]])
def test_nothing_chosen_leads_back(support_client, picked):
    answer = bulk(support_client, "claim", picked, next="/anomalies/?q=7")

    assert (answer.status_code, answer.url) == (302, "/anomalies/?q=7")


def test_a_verb_that_is_none_leads_back(support_client):
    assert bulk(support_client, "delete", [AnomalyFactory()]).status_code == 302


def test_it_refuses_get(support_client):
    assert support_client.get(reverse("anomalies:bulk")).status_code == 405


def test_it_refuses_who_may_not_triage(manager_client):
    assert bulk(manager_client, "claim", [AnomalyFactory()]).status_code == 403
