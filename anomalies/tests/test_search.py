"""One box over all systems. Threads open connections of their own, so these tests commit."""

import time

import pytest
from django.utils import translation

from anomalies import search
from anomalies.factories import AnomalyFactory, LogLineFactory
from anomalies.search import Silent
from anomalies.tests.conftest import NOW
from systems.base import Match
from systems.tests.paperclips.factories import OrderFactory
from systems.tests.paperclips.system import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)


def asked(client, text):
    return client.get("/search/", {"q": text})


def test_the_only_hit_is_where_it_leads(support_client):
    OrderFactory(id=7)

    assert asked(support_client, " #7 ").url == "/subjects/paperclips/order/7/"


def test_what_no_system_knows_is_said(support_client):
    assert "No system knows it" in asked(support_client, "4711").text


@pytest.mark.parametrize("written", ["{}", "#{}"])
def test_an_anomaly_is_found_by_its_number(support_client, written):
    anomaly = AnomalyFactory()

    assert asked(support_client, written.format(anomaly.pk)).url == f"/anomalies/{anomaly.pk}/"


def test_a_number_that_means_two_things_shows_both(support_client):
    anomaly = AnomalyFactory()
    OrderFactory(id=anomaly.pk)

    answer = asked(support_client, f"#{anomaly.pk}")

    assert f'href="/anomalies/{anomaly.pk}/"' in answer.text
    assert f'href="/subjects/paperclips/order/{anomaly.pk}/"' in answer.text


def test_a_request_of_the_logs_leads_to_what_it_was_about(support_client):
    LogLineFactory.create_batch(2, subject="7", request_id="r-77")

    assert asked(support_client, "r-77").url == "/subjects/paperclips/order/7/"


@pytest.mark.parametrize(("text", "cut"), [("9eac4ffc", True), ("9EAC4FFC-af72", True), ("9eac4ff", False)])
def test_the_beginning_of_an_id_is_told_that_the_whole_is_needed(support_client, text, cut):
    assert ("The whole id is needed" in asked(support_client, text).text) is cut


def test_what_cannot_be_an_id_is_said(support_client):
    assert "That is not an id of any system" in asked(support_client, "hello").text


def test_nothing_typed_says_what_to_do(support_client):
    assert "Type an id" in asked(support_client, "").text


def test_anomalies_that_name_it_are_shown(support_client):
    AnomalyFactory(subject="7", facts={"user_id": "U-1"})

    assert "Shipped, but not paid" in asked(support_client, "u-1").text


def test_a_system_that_is_not_connected_is_named_and_the_others_answer(settings, support_client):
    settings.BILLING_SYSTEMS = ["systems.tests.paperclips", "anomalies.tests.umbrellas"]
    OrderFactory(id=7)

    answer = asked(support_client, "7")

    assert answer.status_code == 200
    assert "Umbrella shop does not answer" in answer.text
    assert "order 7, open" in answer.text


def test_who_takes_too_long_is_named_and_holds_nobody_up(monkeypatch):
    monkeypatch.setattr(search, "PATIENCE_MS", 20)
    begun = time.monotonic()

    ((system, answer),) = search._in_parallel(lambda *_: time.sleep(1) or [], [SYSTEM], "7", NOW)

    assert time.monotonic() - begun < 0.9
    assert (system, answer) == (SYSTEM, Silent(SYSTEM, "no answer within 20 ms"))


def test_a_room_that_breaks_is_named():
    def broken(*_):
        raise ValueError("no such thing")

    ((_system, answer),) = search._in_parallel(broken, [SYSTEM], "7", NOW)

    assert answer.reason == "ValueError: no such thing"


def test_two_hits_are_both_shown(monkeypatch, support_client):
    both = [Match(kind="order", id="7", label="the first"), Match(kind="order", id="8", label="the second")]
    monkeypatch.setattr(search, "ask", lambda *_: both)

    answer = asked(support_client, "7")

    assert answer.status_code == 200
    assert "the first" in answer.text
    assert "the second" in answer.text


@pytest.mark.parametrize("text", ["a\0b", "x" * 10_000, "' or 1=1 --", "%00", "９９"])
def test_odd_text_breaks_nothing(support_client, text):
    assert asked(support_client, text).status_code in (200, 302)


def test_it_refuses_admins(admin_client):
    assert asked(admin_client, "7").status_code == 403


def test_a_room_answers_in_the_language_of_the_reader():
    def ask(*_):
        return [Match(kind="order", id="7", label=translation.get_language())]

    with translation.override("ja"):
        ((_system, answer),) = search._in_parallel(ask, [SYSTEM], "7", NOW)

    assert [match.label for match in answer] == ["ja"]
