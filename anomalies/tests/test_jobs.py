from datetime import timedelta

import pytest

from anomalies.factories import AnomalyFactory
from anomalies.jobs import DetectionFailed, jobs
from anomalies.models import Anomaly, DetectionRun
from anomalies.runs import held
from anomalies.tests.conftest import NOW
from jobs import registry
from systems.tests.paperclips.factories import OrderFactory
from systems.tests.paperclips.system import SYSTEM

pytestmark = pytest.mark.django_db


def run(name, now=NOW):
    return next(job for job in jobs() if job.name == name).run(now)


def test_every_connected_system_is_looked_at_at_minute_seven_and_swept_once_a_day(settings):
    settings.BILLING_SYSTEMS = ["systems.tests.paperclips", "anomalies.tests.umbrellas"]

    assert {(job.name, job.cron) for job in jobs()} == {
        ("detect_paperclips", "7 * * * *"),
        ("sweep_paperclips", "41 18 * * *"),
        ("wake_snoozed", "*/5 * * * *"),
    }


def test_the_console_knows_these_jobs():
    assert "detect_paperclips" in {job.name for job in registry.all_jobs()}


def test_detection_says_what_it_did():
    OrderFactory(id=1, shipped=True)

    assert run("detect_paperclips") == "1 found, 1 to look at, 1 new; 0 checked again, 0 cleared."
    assert DetectionRun.objects.get().trigger == "schedule"
    assert DetectionRun.objects.get().actor == "detect_paperclips"


def test_the_sweep_covers_all_history():
    run("detect_paperclips")
    OrderFactory(id=1, shipped=True, changed_at=NOW - timedelta(days=900))

    run("sweep_paperclips", NOW + timedelta(hours=6))

    assert DetectionRun.objects.newest_first()[0].whole
    assert Anomaly.objects.count() == 1


def test_a_run_that_is_at_it_already_is_no_failure():
    with held(SYSTEM):
        assert "is running already" in run("detect_paperclips")


def test_a_failed_rule_fails_the_job(monkeypatch):
    monkeypatch.setattr("systems.facts._compiled", lambda *args: "no_such_column")

    with pytest.raises(DetectionFailed, match="no_such_column"):
        run("detect_paperclips")


def test_the_snooze_ends_between_the_runs(support):
    AnomalyFactory(snoozed=True, by=support, snoozed_until=NOW)

    assert run("wake_snoozed", NOW) == "1 anomaly opened again."
    assert Anomaly.objects.get().state == "open"
