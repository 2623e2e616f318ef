from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from jobs import slots


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "now", "slot"),
    [
        ("7 * * * *", "2026-11-02 12:06:59", "2026-11-02 11:07"),
        ("7 * * * *", "2026-11-02 12:07:00", "2026-11-02 12:07"),
        ("7 * * * *", "2026-11-02 12:07:00.5", "2026-11-02 12:07"),
        ("*/5 * * * *", "2026-11-02 00:04:59", "2026-11-02 00:00"),
        ("0 3 * * *", "2026-11-02 02:59", "2026-11-01 03:00"),
        ("0 3 1 * *", "2026-11-01 02:59", "2026-10-01 03:00"),
        ("0 3 * * 1", "2026-11-01 12:00", "2026-10-26 03:00"),
    ],
)
def test_the_slot_is_the_latest_that_is_not_in_the_future(cron, now, slot):
    assert slots.latest_slot(cron, at(now)) == at(slot)


def test_every_scheduler_means_the_same_slot_whatever_its_zone():
    now = at("2026-11-02 12:30")

    for zone in ("Asia/Tokyo", "Asia/Kolkata", "America/New_York"):
        assert slots.latest_slot("7 * * * *", now.astimezone(ZoneInfo(zone))) == at("2026-11-02 12:07")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo"])
@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-11-01", "2026-04-05"])
def test_no_slot_is_lost_or_doubled_when_the_clocks_change(zone, day):
    begin = at(f"{day} 00:00") - timedelta(hours=12)
    seen = [
        slots.latest_slot("30 * * * *", (begin + timedelta(minutes=minute)).astimezone(ZoneInfo(zone)))
        for minute in range(0, 48 * 60, 10)
    ]

    distinct = sorted(set(seen))
    assert {later - earlier for earlier, later in pairwise(distinct)} == {timedelta(hours=1)}


def test_slots_between_are_the_newest_of_many_oldest_first():
    found = slots.slots_between("7 * * * *", at("2026-11-02 03:07"), at("2026-11-02 09:07"), most=3)

    assert found == [at("2026-11-02 06:07"), at("2026-11-02 07:07"), at("2026-11-02 08:07")]


def test_the_next_slot_is_after_now():
    assert slots.next_slot("7 * * * *", at("2026-11-02 12:07")) == at("2026-11-02 13:07")


@pytest.mark.parametrize(
    ("cron", "minutes"), [("* * * * *", 1), ("*/5 * * * *", 2.5), ("7 * * * *", 10), ("0 3 * * *", 10)]
)
def test_the_grace_is_half_a_period_within_bounds(cron, minutes):
    assert slots.grace(cron, at("2026-11-02 12:00:30")) == timedelta(minutes=minutes)


@pytest.mark.parametrize("cron", ["", "* * * *", "* * * * * *", "61 * * * *", "@hourly", "0 3 * * mon", "H * * * *"])
def test_an_expression_some_scheduler_would_not_understand_is_refused(cron):
    assert slots.fault(cron)
