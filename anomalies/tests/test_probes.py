"""What detection says of itself: whether anybody looks, how much is open, and what it is worth."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from anomalies import probes
from anomalies.factories import AnomalyFactory
from anomalies.models import DetectionRun
from anomalies.tests.conftest import NOW
from health.probing import probe
from systems.tests.paperclips.system import SYSTEM

pytestmark = pytest.mark.django_db
AT_NOW = SimpleNamespace(now=NOW)


def ran(state="done", *, hours, **more):
    at = NOW - timedelta(hours=hours)
    run = {"state": state, "started_at": at, "until": at, "finished_at": at, **more}
    return DetectionRun.objects.create(system="paperclips", trigger="schedule", **run)


@pytest.mark.parametrize(("hours", "level"), [(1, "ok"), (2, "warning"), (6, "critical")])
def test_the_last_good_run_ages(hours, level):
    ran(hours=hours)

    seen = probes.last_good_detection("paperclips", AT_NOW)

    assert (seen.level, seen.value) == (level, hours * 3600)


def test_a_failed_run_is_not_a_good_one():
    ran(hours=3)
    ran(state="failed", hours=1, error="x")

    assert probes.last_good_detection("paperclips", AT_NOW).value == 3 * 3600


def test_what_never_ran_is_unknown():
    assert probes.last_good_detection("paperclips", AT_NOW).level == "unknown"


def test_the_worst_open_one_is_the_level():
    AnomalyFactory(severity="minor")
    AnomalyFactory(severity="major")

    seen = probes.open_anomalies("paperclips", AT_NOW)

    assert (seen.level, seen.value) == ("warning", 2)


def test_what_is_open_is_worth_something():
    AnomalyFactory(amount=-500, unit="JPY")
    AnomalyFactory(amount=200, unit="JPY")

    assert probes.value_at_risk("paperclips", "JPY", AT_NOW).value == 700


def test_they_are_read_beside_the_rooms_own_also_when_the_source_is_down(monkeypatch):
    monkeypatch.setattr("systems.reading.is_connected", lambda slug: False)

    levels = {reading.probe: reading.level for reading in probe(SYSTEM, NOW)}

    assert levels["shipped"] == "unknown"
    assert levels["open_anomalies"] == "ok"
