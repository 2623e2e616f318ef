"""The page of jobs, and the page of one."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from jobs import overview, registry, running, slots
from jobs.lock import alone
from jobs.models import JobRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def read(manager_client, shop_jobs):
    def get(name="jobs:jobs", *args, **headers):
        return manager_client.get(reverse(name, args=args), headers=headers)

    return get


def run(name, slot, **more):
    return JobRun.objects.create(name=name, slot=slot, started_at=slot, runner="worker here:1", **more)


def done(name, slot):
    return run(name, slot, state="done", finished_at=slot + timedelta(seconds=2), outcome=f"{name} was done.")


def test_each_job_stands_there_with_what_it_does_and_when(read):
    text = read().content.decode()

    assert "Counts the coins." in text
    assert "every hour at minute 7" in text
    assert "every day at 03:00 UTC" in text
    assert text.count("never ran") == 2


def test_the_last_run_says_what_it_did_and_how_long_it_took(read):
    done("count", slots.latest_slot("7 * * * *", timezone.now()))

    text = read().content.decode()

    assert "count was done." in text
    assert "2 s" in text


def test_a_failure_says_why(read):
    now = timezone.now()
    run("count", slots.latest_slot("7 * * * *", now), state="failed", finished_at=now, error="ValueError: no coins")

    assert "ValueError: no coins" in read().content.decode()


def test_missed_slots_are_counted_once_their_grace_is_over(shop_jobs):
    now = timezone.now().replace(minute=20)
    latest = slots.latest_slot("7 * * * *", now)
    done("count", latest - timedelta(hours=3))
    done("sweep", slots.latest_slot("0 3 * * *", now))

    count, sweep = overview.standings(registry.all_jobs(), now)

    assert (count.missed_count, sweep.missed_count) == (3, 0)
    assert overview.standings(registry.all_jobs(), latest + timedelta(minutes=9))[0].missed_count == 2


def test_a_run_whose_process_died_is_told_from_one_that_goes_on(shop_jobs):
    now = timezone.now()
    run("count", slots.latest_slot("7 * * * *", now))

    with alone("count"):
        assert not overview.standings(registry.all_jobs(), now)[0].is_dead
    assert overview.standings(registry.all_jobs(), now)[0].is_dead


def test_the_page_says_when_no_scheduler_is_at_work(read):
    assert "No scheduler is at work" in read().content.decode()

    with connection.cursor() as cursor:
        cursor.execute("insert into procrastinate_workers (last_heartbeat) values (now())")

    text = read().content.decode()
    assert "No scheduler is at work" not in text
    assert "1 worker is at work" in text


def test_run_now_is_offered_to_those_who_may(read, support_client):
    assert "Run now" not in read().content.decode()
    assert "Run now" in support_client.get(reverse("jobs:jobs")).content.decode()


def test_the_fragment_is_the_list_alone(read):
    text = read(**{"HX-Request": "true"}).content.decode()

    assert "<html" not in text
    assert 'id="jobs"' in text


def test_the_number_of_queries_does_not_grow_with_jobs_and_runs(read, django_assert_max_num_queries):
    def queries():
        with django_assert_max_num_queries(24) as asked:
            read()
        return len(asked)

    few, now = queries(), timezone.now()
    for hours in range(30):
        done("count", now - timedelta(hours=hours))

    assert queries() == few


def test_who_does_not_read_the_trade_is_refused(admin_client, client):
    assert admin_client.get(reverse("jobs:jobs")).status_code == 403
    assert client.get(reverse("jobs:jobs")).status_code == 302


# One job -------------------------------------------------------------------------------------------------------------


def test_the_page_of_a_job_lists_its_runs_newest_first(read):
    now = timezone.now()
    for hours in range(60):
        done("count", now - timedelta(hours=hours))
    done("sweep", now)

    response = read("jobs:job", "count")

    assert [row.slot for row in response.context["page"].rows] == [now - timedelta(hours=hours) for hours in range(50)]
    assert "after=" in response.content.decode()


def test_a_job_that_never_ran_says_so(read):
    assert "It has not run yet" in read("jobs:job", "count").content.decode()


def test_the_fragment_of_a_job_is_its_runs_alone(read):
    running.fire(registry.get("count"), now=timezone.now(), runner="test")

    text = read("jobs:job", "count", **{"HX-Request": "true"}).content.decode()

    assert "<html" not in text
    assert "1 coins counted." in text


def test_an_unknown_job_is_not_found(read):
    assert read("jobs:job", "paint").status_code == 404


@pytest.mark.parametrize("name", ["jobs:jobs", "jobs:job"])
def test_a_page_refuses_post(support_client, shop_jobs, name):
    assert support_client.post(reverse(name, args=["count"] if name == "jobs:job" else [])).status_code == 405
