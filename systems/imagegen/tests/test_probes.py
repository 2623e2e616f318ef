"""Each reading at each of its levels."""

import json
from datetime import timedelta

import pytest

from systems.base import Level
from systems.imagegen.factories import (
    USER,
    BatchFactory,
    ConsumptionFactory,
    CreditsFactory,
    ExpirationFactory,
    JobFactory,
    TransactionFactory,
)
from systems.imagegen.system import SYSTEM
from systems.imagegen.tests.conftest import NOW

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def measured(source, code):
    return SYSTEM.probe(code).measure(source)


def level(source, code):
    measurement = measured(source, code)
    assert str(measurement.why)
    assert (measurement.value is None) == (measurement.level == Level.UNKNOWN)
    return measurement.level, measurement.value


@pytest.mark.parametrize("code", [probe.code for probe in SYSTEM.probes])
def test_an_empty_source_breaks_no_reading(source, code):
    assert measured(source, code).level in (Level.OK, Level.UNKNOWN)


# Seen today ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "factory"), [("jobs_today", JobFactory), ("ledger_rows_today", TransactionFactory)])
def test_a_day_is_compared_with_what_is_usual_by_this_hour(source, code, factory):
    for days in range(1, 8):
        factory.create_batch(20, created_at=NOW - days * DAY - timedelta(minutes=1))
        factory.create_batch(5, created_at=NOW - days * DAY + timedelta(minutes=1))  # not by this hour
    factory.create_batch(8, created_at=NOW - timedelta(minutes=1))

    assert level(source, code) == (Level.OK, 8)
    assert measured(source, code).detail["usual"] == 20
    assert measured(source, code).detail["limits"] == {"warning_below": 8}


@pytest.mark.parametrize(("code", "factory"), [("jobs_today", JobFactory), ("ledger_rows_today", TransactionFactory)])
def test_far_fewer_than_usual_is_a_warning(source, code, factory):
    for days in range(1, 8):
        factory.create_batch(20, created_at=NOW - days * DAY - timedelta(minutes=1))
    factory.create_batch(7, created_at=NOW - timedelta(minutes=1))

    assert level(source, code) == (Level.WARNING, 7)


def test_a_quiet_week_says_nothing_about_today(source):
    JobFactory(created_at=NOW - 2 * DAY)

    assert level(source, "jobs_today") == (Level.OK, 0)


def test_the_day_is_named(source):
    JobFactory(created_at=NOW - timedelta(hours=3))  # 2026-11-02 00:05 UTC
    JobFactory(created_at=NOW - timedelta(hours=4))  # the day before
    measurement = measured(source, "jobs_today")

    assert (measurement.value, measurement.detail["day"], measurement.detail["zone"]) == (1, "2026-11-02", "UTC")
    assert "UTC day" in measurement.why


# Freshness -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "factory"), [("newest_job", JobFactory), ("newest_ledger_row", TransactionFactory)])
@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(minutes=119), Level.OK),
        (2 * HOUR, Level.WARNING),
        (6 * HOUR, Level.CRITICAL),
        (9 * DAY, Level.CRITICAL),
    ],
)
def test_silence_grows_from_fine_to_critical(source, code, factory, age, expected):
    old = {"updated_at": NOW - age} if factory is JobFactory else {}
    factory(created_at=NOW - age, **old)

    assert level(source, code) == (expected, int(age.total_seconds()))


@pytest.mark.parametrize("code", ["newest_job", "newest_ledger_row"])
def test_without_a_row_nobody_can_tell(source, code):
    TransactionFactory(dateless=True)

    assert level(source, code) == (Level.UNKNOWN, None)


def test_an_old_job_touched_lately_does_not_hide_a_newer_one(source):
    JobFactory(created_at=NOW - 30 * DAY, updated_at=NOW)
    JobFactory(created_at=NOW - 3 * HOUR, updated_at=NOW - 3 * HOUR)

    assert level(source, "newest_job") == (Level.WARNING, 3 * 3600)


def test_freshness_tells_event_time_receive_time_and_expected_volume(source):
    JobFactory.create_batch(14, created_at=NOW - HOUR, updated_at=NOW - HOUR)

    detail = measured(source, "newest_job").detail

    assert (detail["event_at"], detail["received_at"]) == ((NOW - HOUR).isoformat(), NOW.isoformat())
    assert detail["expected_per_day"] == 2


# Where the jobs stand ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failed", "expected"), [(2, Level.OK), (3, Level.WARNING), (7, Level.WARNING), (10, Level.CRITICAL)]
)
def test_too_many_failures_are_a_warning_then_critical(source, failed, expected):
    JobFactory.create_batch(27, succeeded=True)
    JobFactory.create_batch(failed, failed=True)
    JobFactory(processing=True)

    measurement = measured(source, "job_status_today")

    assert measurement.level == expected
    assert measurement.detail["labels"] == {"succeeded": 27, "failed": failed, "processing": 1}


def test_the_week_has_seven_days(source):
    JobFactory.create_batch(3, failed=True, created_at=NOW - 6 * DAY)
    JobFactory.create_batch(3, failed=True, created_at=NOW - 7 * DAY)

    assert measured(source, "job_status_week").detail["labels"] == {"failed": 3}
    assert measured(source, "job_status_today").detail["labels"] == {}


def test_a_status_nobody_told_us_of_is_counted_and_named(source, cursor):
    cursor.execute("alter table public.image_jobs drop constraint image_jobs_status_check")
    JobFactory(status="paused")

    measurement = measured(source, "job_status_today")

    assert (measurement.level, measurement.detail["labels"]) == (Level.WARNING, {"paused": 1})
    assert "paused" in measurement.why


def test_jobs_at_work_for_too_long_are_named(source):
    stale = JobFactory(stale=True)
    JobFactory(processing=True)
    never_started = JobFactory(status="processing", updated_at=NOW - HOUR)

    assert level(source, "stale_jobs") == (Level.WARNING, 2)
    rows = measured(source, "stale_jobs").detail["rows"]
    assert [row["job_id"] for row in rows] == [str(never_started.id), str(stale.id)]


# Books ---------------------------------------------------------------------------------------------------------------


def test_a_balance_is_the_ledger_less_what_expired(source):
    CreditsFactory(paid_balance=70)
    TransactionFactory(transaction_type="purchase", amount=100)
    ExpirationFactory(amount_expired=30)

    assert level(source, "balance_identity") == (Level.OK, 0)


def test_a_balance_the_ledger_does_not_explain_is_a_notice_and_names_the_user(source):
    CreditsFactory(paid_balance=80)
    TransactionFactory(transaction_type="purchase", amount=100)

    assert level(source, "balance_identity") == (Level.WARNING, 1)
    assert measured(source, "balance_identity").detail["rows"] == [
        {"user_id": str(USER), "balance": 80, "explained": 100}
    ]


def test_a_user_with_a_ledger_and_no_balance_is_found_too(source):
    TransactionFactory(transaction_type="purchase", amount=100)

    assert level(source, "balance_identity") == (Level.WARNING, 1)


def test_offenders_are_capped_and_counted(source):
    for number in range(25):
        CreditsFactory(user_id=f"00000000-0000-4000-8000-{number:012d}", paid_balance=number + 1)

    assert level(source, "balance_identity") == (Level.WARNING, 25)
    rows = measured(source, "balance_identity").detail["rows"]
    assert [row["balance"] for row in rows] == list(range(25, 5, -1))


def test_a_balance_that_is_not_paid_and_free_together_is_critical(source):
    CreditsFactory(paid_balance=20, free=100)
    BatchFactory(remaining_amount=100)
    assert level(source, "purse_identity") == (Level.OK, 0)

    BatchFactory(remaining_amount=1)
    assert level(source, "purse_identity") == (Level.CRITICAL, 1)


# Every probe says which line of the runbook it answers ----------------------------------------------------------------


def test_every_probe_names_its_line_of_the_runbook():
    sections = ("Pre-Deploy Checklist", "Monitoring", "Triage Procedure", "Post-Deploy Validation")

    assert all(probe.source.startswith(sections) for probe in SYSTEM.probes)


def test_readings_can_be_stored(source):
    ConsumptionFactory(null=True, job=JobFactory())
    for probe in SYSTEM.probes:
        assert json.dumps(dict(probe.measure(source).detail))
