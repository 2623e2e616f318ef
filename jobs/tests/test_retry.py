"""Gives a task that failed another try."""

import pytest
from django.urls import reverse

from audit.models import Entry
from jobs import queue, tasks
from jobs.tests.worker import work_off

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def failed():
    tasks.fire.defer(timestamp=0, name="paint")
    work_off()
    return queue.failed_tasks()[0]


@pytest.fixture
def url(failed):
    return reverse("jobs:retry", args=[failed.id])


def test_the_task_waits_again_and_the_log_says_who_asked(support_client, failed, url):
    support_client.post(url)

    assert queue.pending("jobs.fire", name="paint")
    assert Entry.objects.get(action_type="task_retry_requested").metadata["task"] == failed.id


def test_it_refuses_get(support_client, url):
    assert support_client.get(url).status_code == 405


def test_it_refuses_who_may_not_triage(manager_client, url):
    assert manager_client.post(url).status_code == 403
    assert queue.failed_tasks()


def test_a_second_click_stays_calm(support_client, url):
    support_client.post(url)
    response = support_client.post(url, follow=True)

    assert "no longer among those that failed" in response.content.decode()


def test_the_fragment_answer_no_longer_lists_it(support_client, url):
    answer = support_client.post(url, headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in answer
    assert "failed-tasks" not in answer
