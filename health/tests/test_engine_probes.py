"""What the engines know of a system is measured beside what its room asks."""

import pytest

from health.probing import probe as take
from health.tests.conftest import probe
from systems.base import Level, Measurement

pytestmark = pytest.mark.django_db


def asleep(system):
    return (probe("asleep", lambda clock: Measurement(level=Level.WARNING, value=clock.now.hour, why="It sleeps.")),)


def broken(system):
    return (probe("broken", lambda clock: 1 / 0),)


def test_an_engines_probe_is_handed_the_time_and_kept_like_any_other(shop, settings, now, support_client):
    system = shop(probe("till"))
    settings.ENGINE_PROBES = ("health.tests.test_engine_probes.asleep",)

    readings = {reading.probe: reading for reading in take(system, now)}

    assert (readings["asleep"].level, readings["asleep"].value) == ("warning", 12)
    assert readings["till"].level == "ok"
    assert "It sleeps." in support_client.get("/health/paperclips/").content.decode()


def test_one_that_fails_is_unknown_and_stops_no_other(shop, settings, now):
    system = shop(probe("till"))
    settings.ENGINE_PROBES = ("health.tests.test_engine_probes.broken",)

    levels = {reading.probe: reading.level for reading in take(system, now)}

    assert levels == {"broken": "unknown", "till": "ok"}
