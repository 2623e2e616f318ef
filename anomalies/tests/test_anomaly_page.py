from datetime import timedelta
from uuid import uuid4

import pytest

from anomalies.factories import MOMENT, AnomalyFactory, CheckFactory, LogLineFactory, NoteFactory
from anomalies.models import Anomaly
from anomalies.tests.verbs import entries, refuses, refuses_get
from systems.tests.paperclips.factories import OrderFactory, PaymentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def anomaly():
    OrderFactory(id=7, shipped=True)
    facts = {"order_id": "7", "customer_id": "c1", "total": 500, "shipped": True, "paid": False, "sample": False}
    return AnomalyFactory(subject="7", facts=facts)


def page(client, anomaly):
    return client.get(f"/anomalies/{anomaly.pk}/")


def test_it_says_in_a_sentence_what_is_wrong(support_client, anomaly):
    answer = page(support_client, anomaly)

    assert "<h1>Shipped, but not paid</h1>" in answer.text
    assert "Paperclips left the house and no payment names the order." in answer.text


def test_it_says_why_each_condition_with_what_was_observed(support_client, anomaly):
    conditions = page(support_client, anomaly).context["conditions"]

    assert [(line.name, line.wanted, line.observed, line.met) for line in conditions] == [
        ("shipped", True, True, True),
        ("paid", False, False, True),
        ("sample", True, False, False),
    ]


def test_the_rules_wish_stands_beside_what_was_observed(support_client, anomaly):
    assert "no; the rule asks for no" in page(support_client, anomaly).text


@pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=1)])
def test_what_was_settled_since_the_check_is_not_told_in_the_present(support_client, anomaly, later):
    Anomaly.objects.update(decision="settled", settled_by=uuid4(), decided_at=anomaly.checked_at + later)

    answer = page(support_client, anomaly)

    assert "Why this was an anomaly" in answer.text
    assert "before it was settled" in answer.text
    assert "it is still there" not in answer.text


def test_what_the_kept_facts_do_not_say_is_not_known(support_client, anomaly):
    Anomaly.objects.update(facts={"order_id": "7"})

    answer = page(support_client, anomaly)

    assert {line.observed for line in answer.context["conditions"]} == {None}
    assert 'data-holds="unknown"' in answer.text


def test_the_timeline_has_everything_in_order(support, support_client, anomaly):
    PaymentFactory(order_id=7, paid_at=MOMENT + timedelta(hours=1), amount=500)
    LogLineFactory(subject="7", at=MOMENT + timedelta(hours=2))
    CheckFactory(anomaly=anomaly, at=MOMENT + timedelta(hours=3))

    answer = page(support_client, anomaly)

    kinds = [step.event.kind for step in answer.context["timeline"].steps]
    assert kinds == ["job", "ledger", "log", "check"]
    assert "1 h later" in answer.text


def test_an_address_in_a_log_line_is_masked_until_somebody_unmasks_it(support_client, anomaly):
    LogLineFactory(subject="7", message="mail to ada.l@example.com bounced")

    masked = page(support_client, anomaly).text
    clear = support_client.post(f"/anomalies/{anomaly.pk}/unmask/").text

    assert "mail to a•••@e•••.com bounced" in masked
    assert "ada.l@example.com" not in masked
    assert "ada.l@example.com" in clear


def test_the_step_that_is_missing_stands_as_a_ghost(support_client, anomaly):
    answer = page(support_client, anomaly)

    assert 'class="ghost"' in answer.text
    assert "should be here and is not" in answer.text


def test_a_source_that_does_not_answer_takes_its_own_events_and_nothing_else(settings, support_client):
    settings.BILLING_SYSTEMS = ["systems.tests.paperclips", "anomalies.tests.umbrellas"]
    anomaly = AnomalyFactory(system="umbrellas")
    CheckFactory(anomaly=anomaly)

    answer = page(support_client, anomaly)

    assert answer.status_code == 200
    assert "Umbrella shop does not answer" in answer.text
    assert "UMBRELLAS_DATABASE_URL" in answer.text
    assert [step.event.kind for step in answer.context["timeline"].steps] == ["check"]


@pytest.mark.parametrize("gone", [{"system": "typewriters"}, {"rule": "old_rule"}, {"subject_kind": "parcel"}])
def test_history_outlives_code(support_client, anomaly, gone):
    Anomaly.objects.update(**gone)

    assert page(support_client, anomaly).status_code == 200


@pytest.mark.parametrize("subject", ["", "not a number", "x" * 9_000, "../../etc"])
def test_whatever_stands_where_an_id_should_be_is_shown(support_client, subject):
    anomaly = AnomalyFactory(subject=subject, fingerprint="odd")

    assert page(support_client, anomaly).status_code == 200
    assert support_client.get("/anomalies/").status_code == 200


def test_a_room_that_breaks_takes_its_own_events_and_nothing_else(support_client, anomaly, monkeypatch):
    monkeypatch.setattr("systems.tests.paperclips.source.order", lambda *_: 1 / 0)

    answer = page(support_client, anomaly)

    assert answer.status_code == 200
    assert "ZeroDivisionError" in answer.text


def test_the_runbook_stands_beside_it(support_client, anomaly):
    assert "Ask the bank whether the money arrived." in page(support_client, anomaly).text


def test_it_shows_notes_and_history(support, support_client, anomaly):
    NoteFactory(anomaly=anomaly, author=support, text="Asked the bank.")
    support_client.post(f"/anomalies/{anomaly.pk}/claim/")

    answer = page(support_client, anomaly)

    assert "Asked the bank." in answer.text
    assert "Anomaly claimed" in answer.text


def test_it_shows_others_that_name_the_same(support_client, anomaly):
    same = AnomalyFactory(subject="8", facts={"order_id": "8", "customer_id": "C1"})
    AnomalyFactory(subject="9", facts={"order_id": "9", "customer_id": "c2"})
    AnomalyFactory(subject="10", facts={"order_id": "10", "customer_id": "c1"}, cleared=True)
    Anomaly.objects.filter(pk=anomaly.pk).update(ids=["7", "c1"])

    answer = page(support_client, anomaly)

    assert [row.anomaly.pk for row in answer.context["similar"]] == [same.pk]
    assert answer.context["same_rule"] == 3


def test_another_app_adds_its_panel_by_name(settings, support_client, anomaly):
    settings.ANOMALY_PANELS = (f"{__name__}.panel", f"{__name__}.no_panel")

    assert "<h2>Weather</h2>" in page(support_client, anomaly).text


def panel(request, anomaly):
    return {"title": "Weather", "html": "Rain."}


def no_panel(request, anomaly):
    return None


def test_who_may_not_triage_is_offered_nothing_to_do(manager_client, anomaly):
    text = page(manager_client, anomaly).text

    assert "<form" not in text.partition('<main class="page"')[2].partition("</main>")[0]


def test_what_is_answered_offers_no_decision(support, support_client):
    text = page(support_client, AnomalyFactory(dismissed=True, by=support)).text

    assert "Decide" not in text
    assert "Reopen" in text


def test_personal_values_are_masked(support_client, anomaly):
    assert "Hanako" not in page(support_client, anomaly).text


def test_a_page_costs_a_bounded_number_of_queries(support_client, anomaly, support, django_assert_max_num_queries):
    for _ in range(20):
        NoteFactory(anomaly=anomaly, author=support)
        CheckFactory(anomaly=anomaly)

    with django_assert_max_num_queries(25):
        page(support_client, anomaly)


def test_it_refuses_post_and_what_is_not_there_is_not_found(support_client, anomaly):
    assert support_client.post(f"/anomalies/{anomaly.pk}/").status_code == 405
    assert support_client.get("/anomalies/4711/").status_code == 404


# Unmask


def test_unmasking_is_recorded(support, support_client, anomaly):
    answer = support_client.post(f"/anomalies/{anomaly.pk}/unmask/")

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    (entry,) = entries(anomaly, "anomaly_unmasked")
    assert entry.actor_id == support.actor.id


def test_unmasking_refuses_get(support_client, anomaly):
    assert refuses_get(support_client, "unmask", anomaly)


def test_unmasking_refuses_managers(manager_client, anomaly):
    assert refuses(manager_client, "unmask", anomaly)

    assert entries(anomaly) == []
