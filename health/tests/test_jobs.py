from datetime import datetime, timedelta

import pytest
from django.db import connections

from health import jobs
from health.boards import PROBE_CRON, STALE_AFTER
from health.factories import ReadingFactory
from health.models import Reading
from health.tests.conftest import NOW, probe
from jobs.slots import period
from systems.base import RoomJob

ROOM_JOB = RoomJob(name="count", cron="7 * * * *", what="Counts.", run=lambda now: "counted", catch_up="each")


@pytest.mark.django_db
def test_the_job_probes_every_connected_system_and_says_what_it_saw(shop):
    shop(probe("till"), probe("shelf", lambda source: 1 / 0))

    assert jobs.probe(NOW) == "2 readings: 1 ok, 1 unknown."


@pytest.mark.django_db
def test_the_job_has_nothing_to_do_where_nothing_is_connected(shop, monkeypatch):
    shop()
    monkeypatch.delitem(connections.settings, "paperclips")

    assert jobs.probe(NOW) == "No system is connected."


@pytest.mark.django_db
def test_old_readings_are_dropped(now):
    for days in (1, 89, 91):
        ReadingFactory(measured_at=now - timedelta(days=days))

    assert jobs.tidy(now) == "1 old readings dropped."
    assert Reading.objects.count() == 2


def test_a_rooms_jobs_are_run_under_its_name(shop):
    shop(jobs=(ROOM_JOB,))

    (job,) = jobs.room_jobs()

    assert (job.name, job.cron, job.catch_up, job.run(datetime.now())) == (
        "paperclips_count", "7 * * * *", "each", "counted"
    )  # fmt: skip


def test_the_jobs_of_a_system_that_is_not_connected_rest(shop, monkeypatch):
    shop(jobs=(ROOM_JOB,))
    monkeypatch.delitem(connections.settings, "paperclips")

    assert jobs.room_jobs() == ()


def test_a_reading_is_stale_after_two_periods():
    assert 2 * period(PROBE_CRON, NOW) == STALE_AFTER
