"""Asks for a run now."""

import pytest
from django.urls import reverse

from audit.models import Entry
from jobs import queue
from jobs.models import JobRun, RunState
from jobs.tests.worker import work_off

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def url(shop_jobs):
    return reverse("jobs:run", args=["count"])


def test_a_run_waits_in_the_queue_and_the_log_says_who_asked(support, support_client, url):
    support_client.post(url)

    entry = Entry.objects.get(action_type="job_run_requested")
    assert queue.pending("jobs.run_now", name="count", by=support.actor.name)
    assert (entry.target_type, entry.target_id, entry.actor) == ("job", "count", support.actor.name)


@pytest.mark.django_db(transaction=True)
def test_the_worker_runs_it_in_a_slot_of_its_own(support_client, url, shop_jobs):
    support_client.post(url)
    work_off()

    run = JobRun.objects.get()
    assert run.state == RunState.DONE
    assert len(shop_jobs) == 1


def test_it_refuses_get(support_client, url):
    assert support_client.get(url).status_code == 405


@pytest.mark.parametrize("who", ["manager", "auditor", "admin"])
def test_it_refuses_who_may_not_triage(request, who, url):
    response = request.getfixturevalue(f"{who}_client").post(url)

    assert response.status_code == 403
    assert not queue.pending("jobs.run_now")


def test_a_second_click_stays_calm(support_client, url):
    support_client.post(url)
    response = support_client.post(url, follow=True)

    assert "count waits in the queue already." in response.content.decode()
    assert Entry.objects.filter(action_type="job_run_requested").count() == 1


def test_the_page_answer_goes_back_to_where_it_was_asked(support_client, url):
    assert support_client.post(url).url == reverse("jobs:jobs")
    assert support_client.post(url, {"next": "/jobs/count/"}).url == "/jobs/count/"


def test_without_a_worker_it_says_that_none_will_take_it_up(support_client, url):
    response = support_client.post(url, follow=True)

    assert "no worker is there to take it up" in response.content.decode()


def test_the_fragment_answer_is_the_list_with_the_wish_in_it(support_client, url):
    answer = support_client.post(url, headers=HTMX).content.decode()

    assert "<html" not in answer
    assert 'data-state="queued"' in answer


def test_an_unknown_job_is_not_found(support_client, shop_jobs):
    assert support_client.post(reverse("jobs:run", args=["paint"])).status_code == 404
