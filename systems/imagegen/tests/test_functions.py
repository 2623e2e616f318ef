"""The functions the runbook calls answer what its text says, and what the rules say."""

import json
from datetime import timedelta

import pytest

from systems.imagegen.factories import MOMENT, ConsumptionFactory, JobFactory, RefundFactory
from systems.imagegen.functions import NAMES, definition
from systems.imagegen.models import AdminAuditLog

pytestmark = pytest.mark.django_db
COLUMNS = [
    *("anomaly_type", "job_id", "user_id", "job_status", "consumption_tx_id", "refund_tx_id", "observed_at", "details")
]


@pytest.fixture
def functions(cursor):
    for name in NAMES:
        cursor.execute(definition(name))
    return cursor


def detected(cursor, since=MOMENT):
    cursor.execute("select * from public.detect_generation_billing_anomalies(%s)", [since])
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def monitored(cursor, since=MOMENT):
    cursor.execute("select public.monitor_generation_billing_anomalies(%s)", [since])
    return json.loads(cursor.fetchone()[0])


def test_an_anomaly_has_the_columns_of_the_sources_own_detection(functions):
    job = JobFactory(succeeded=True)
    charge = ConsumptionFactory(job=job)
    refund = RefundFactory(job=job, created_at=MOMENT + timedelta(minutes=1))

    (row,) = detected(functions)

    assert list(row) == COLUMNS
    assert row["anomaly_type"] == "refund_for_succeeded_job"
    assert (row["job_id"], row["user_id"], row["job_status"]) == (job.id, job.user_id, "succeeded")
    assert (row["consumption_tx_id"], row["refund_tx_id"]) == (charge.id, refund.id)
    assert row["observed_at"] == refund.created_at
    assert json.loads(row["details"]).keys() == {
        *("attempts", "error_message", "job_created_at", "job_updated_at"),
        *("consumption_created_at", "refund_created_at"),
    }


def test_the_newest_come_first(functions):
    older = JobFactory(succeeded=True)
    newer = JobFactory(succeeded=True, updated_at=MOMENT + timedelta(minutes=1))

    assert [row["job_id"] for row in detected(functions)] == [newer.id, older.id]


def test_the_start_of_the_window_is_inside(functions):
    JobFactory(succeeded=True)

    assert len(detected(functions)) == 1
    assert not detected(functions, MOMENT + timedelta(microseconds=1))


def test_a_job_that_is_free_by_design_is_reported_all_the_same(functions):
    JobFactory(one_tap_free=True)

    assert len(detected(functions)) == 1


def test_two_hours_are_looked_back_on_unless_said(functions, cursor):
    cursor.execute("select now()")
    (now,) = cursor.fetchone()
    JobFactory(succeeded=True, updated_at=now - timedelta(hours=3))
    recent = JobFactory(succeeded=True, updated_at=now - timedelta(hours=2))

    cursor.execute("select job_id from public.detect_generation_billing_anomalies()")

    assert cursor.fetchall() == [(recent.id,)]


def test_the_monitor_is_silent_when_nothing_is_found(functions):
    assert monitored(functions)["logged"] is False
    assert not AdminAuditLog.objects.exists()


def test_the_monitor_writes_one_entry_with_the_newest_twenty(functions):
    for minute in range(21):
        JobFactory(succeeded=True, updated_at=MOMENT + timedelta(minutes=minute))

    answer = monitored(functions)

    entry = AdminAuditLog.objects.get()
    assert (answer["count"], answer["logged"]) == (21, True)
    assert entry.admin_user_id is None
    assert (entry.action_type, entry.target_type) == ("generation_billing_anomaly_detected", "credit_transactions")
    assert entry.target_id is None
    assert entry.metadata.keys() == {"count", "since", "sample", "auto_remediation", "source"}
    assert (entry.metadata["count"], entry.metadata["source"]) == (21, "cron")
    assert entry.metadata["auto_remediation"] is False
    sample = [row["observed_at"] for row in entry.metadata["sample"]]
    assert len(sample) == 20
    assert sample == sorted(sample, reverse=True)
    assert entry.metadata["sample"][0].keys() == set(COLUMNS)
