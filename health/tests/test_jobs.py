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

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
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

    assert jobs.tidy(now) == "1 old readings dropped, 0 thinned out."
    assert Reading.objects.count() == 2


@pytest.mark.django_db
def test_of_each_hour_long_past_the_worst_reading_stays_and_of_these_the_newest(now):
    past = now - timedelta(days=9)
    for minutes, level in ((5, "ok"), (10, "critical"), (15, "critical"), (20, "warning"), (70, "ok")):
        ReadingFactory(measured_at=past + timedelta(minutes=minutes), level=level)
    ReadingFactory(measured_at=past + timedelta(minutes=5), unknown=True, probe="other")
    for minutes in (1, 2):
        ReadingFactory(measured_at=now - timedelta(minutes=minutes))

    assert jobs.tidy(now) == "0 old readings dropped, 3 thinned out."
    assert sorted(
        (reading.level, reading.measured_at - past)
        for reading in Reading.objects.filter(measured_at__lt=past + 2 * HOUR)
    ) == [("critical", 15 * MINUTE), ("ok", 70 * MINUTE), ("unknown", 5 * MINUTE)]
    assert Reading.objects.count() == 5


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
