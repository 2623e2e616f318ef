"""Asks for a probing now."""

import pytest
from django.db import connections
from django.urls import reverse

from audit.models import Entry
from health.models import Reading
from jobs import queue
from jobs.tests.worker import work_off

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
URL = "/health/paperclips/probe/"


@pytest.fixture(autouse=True)
def one_shop(shop):
    return shop()


def test_the_probes_wait_in_the_queue_and_the_log_says_who_asked(support, support_client):
    support_client.post(URL)

    entry = Entry.objects.get(action_type="probe_requested")
    assert queue.pending("health.probe", slug="paperclips")
    assert (entry.target_type, entry.target_id, entry.actor) == ("system", "paperclips", support.actor.name)


@pytest.mark.django_db(transaction=True)
def test_the_worker_takes_the_readings(support_client):
    support_client.post(URL)
    work_off()

    assert Reading.objects.get().probe == "shipped"
    assert not queue.pending("health.probe")


def test_it_refuses_get(support_client):
    assert support_client.get(URL).status_code == 405


@pytest.mark.parametrize("who", ["manager", "auditor", "admin"])
def test_it_refuses_who_may_not_triage(request, who):
    assert request.getfixturevalue(f"{who}_client").post(URL).status_code == 403
    assert not queue.pending("health.probe")


def test_a_second_click_stays_calm(support_client):
    support_client.post(URL)
    response = support_client.post(URL, follow=True)

    assert "have been asked already" in response.content.decode()
    assert Entry.objects.filter(action_type="probe_requested").count() == 1


def test_a_system_that_is_not_connected_is_not_asked(support_client, monkeypatch):
    monkeypatch.delitem(connections.settings, "paperclips")

    response = support_client.post(URL, follow=True)

    assert "Paperclip shop is not connected." in response.content.decode()
    assert not queue.pending("health.probe")


def test_the_page_answer_goes_back_to_the_board(support_client):
    assert support_client.post(URL).url == reverse("health:system", args=["paperclips"])


def test_the_fragment_answer_is_the_board_which_asks_again_soon(support_client):
    text = support_client.post(URL, headers=HTMX).content.decode()

    assert "<html" not in text
    assert 'data-poll="2"' in text


def test_it_is_offered_to_those_who_may(support_client, manager_client):
    url = reverse("health:system", args=["paperclips"])

    assert "Probe now" in support_client.get(url).content.decode()
    assert "Probe now" not in manager_client.get(url).content.decode()
