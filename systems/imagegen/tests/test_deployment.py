"""The checks before and after a deployment."""

from datetime import timedelta

import pytest

from systems.base import Level
from systems.imagegen.factories import (
    MOMENT,
    USER,
    AuditFactory,
    ConsumptionFactory,
    JobFactory,
    RefundFactory,
    TransactionFactory,
)
from systems.imagegen.system import SYSTEM
from systems.imagegen.tests.conftest import NOW

pytestmark = pytest.mark.django_db

RUNBOOK = """
    with tx as (
        select transaction_type, user_id, metadata->>'job_id' as job_id, count(*) as cnt,
            array_agg(id order by created_at) as tx_ids
        from public.credit_transactions
        where transaction_type in ('consumption', 'refund') and metadata ? 'job_id'
        group by transaction_type, user_id, metadata->>'job_id'
    )
    select * from tx where cnt > 1 order by cnt desc, transaction_type, user_id"""


def measured(source, code):
    return SYSTEM.probe(code).measure(source)


@pytest.fixture
def before_the_indexes(cursor):
    """The ledger as it was before the migration that the check precedes."""
    cursor.execute("drop index public.credit_transactions_one_consumption_per_job")
    cursor.execute("drop index public.credit_transactions_one_refund_per_job")
    return cursor


# predeploy_duplicates ------------------------------------------------------------------------------------------------


def test_two_rows_of_one_job_block_the_index_oldest_first(source, before_the_indexes):
    job = JobFactory()
    rows = [ConsumptionFactory(job=job, created_at=MOMENT - timedelta(days=days)) for days in (1, 3, 2)]

    measurement = measured(source, "predeploy_duplicates")

    assert (measurement.level, measurement.value) == (Level.CRITICAL, 1)
    (group,) = measurement.detail["rows"]
    assert group["tx_ids"] == ", ".join(str(rows[number].id) for number in (1, 2, 0))
    assert (group["cnt"], group["job_id"], group["user_id"]) == (3, str(job.id), str(USER))


def test_it_finds_exactly_what_the_runbooks_query_finds(source, before_the_indexes):
    for factory in (ConsumptionFactory, RefundFactory):
        for times in (1, 2, 3):
            job = JobFactory()
            [factory(job=job, created_at=MOMENT + timedelta(seconds=number)) for number in range(times)]
    ConsumptionFactory.create_batch(2, null=True, job=JobFactory())
    ConsumptionFactory.create_batch(2, empty=True, job=JobFactory())
    TransactionFactory.create_batch(2, without_metadata=True)

    before_the_indexes.execute(RUNBOOK)
    theirs = {
        (row[0], str(row[1]), row[2], row[3], frozenset(map(str, row[4]))) for row in before_the_indexes.fetchall()
    }
    ours = {
        (row["transaction_type"], row["user_id"], row["job_id"], row["cnt"], frozenset(row["tx_ids"].split(", ")))
        for row in measured(source, "predeploy_duplicates").detail["rows"]
    }

    assert ours == theirs
    assert len(ours) == 6


def test_rows_whose_job_id_is_null_are_a_group_that_blocks_nothing(source):
    ConsumptionFactory.create_batch(2, null=True, job=JobFactory())

    measurement = measured(source, "predeploy_duplicates")

    assert (measurement.level, measurement.value) == (Level.WARNING, 1)
    assert "job_id is null" in measurement.why


def test_two_spellings_are_two_jobs_to_the_index(source):
    job = JobFactory()
    ConsumptionFactory(job=job)
    ConsumptionFactory(job=job, capitals=True)

    assert measured(source, "predeploy_duplicates").level == Level.OK


# postdeploy_succeeded_refunded ---------------------------------------------------------------------------------------


def test_a_new_refund_of_a_succeeded_job_breaks_the_first_rule(source):
    job = JobFactory(succeeded=True)
    refund = RefundFactory(job=job, capitals=True)

    measurement = measured(source, "postdeploy_succeeded_refunded")

    assert (measurement.level, measurement.value) == (Level.CRITICAL, 1)
    assert measurement.detail["rows"][0]["tx_id"] == str(refund.id)


def test_the_first_rule_is_about_new_data_of_the_jobs_own_user(source):
    RefundFactory(job=JobFactory(succeeded=True), created_at=NOW - timedelta(days=8))
    RefundFactory(job=JobFactory(succeeded=True), somebody_elses=True)
    RefundFactory(job=JobFactory(failed=True))
    for trait in ("padded", "empty", "numeric", "null"):
        RefundFactory(job=JobFactory(succeeded=True), **{trait: True})

    assert measured(source, "postdeploy_succeeded_refunded").level == Level.OK


# postdeploy_refunded_once --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("refunds", "level"), [(0, Level.CRITICAL), (1, Level.OK), (2, Level.CRITICAL)])
def test_a_failed_job_that_was_charged_is_refunded_once(source, refunds, level):
    job = JobFactory(failed=True)
    ConsumptionFactory(job=job)
    for trait in [{}, {"capitals": True}][:refunds]:
        RefundFactory(job=job, **trait)

    measurement = measured(source, "postdeploy_refunded_once")

    assert measurement.level == level
    if level == Level.CRITICAL:
        assert measurement.detail["rows"] == [
            {"job_id": str(job.id), "failed_at": MOMENT.isoformat(), "charges": 1, "refunds": refunds}
        ]


def test_a_failed_job_that_was_never_charged_needs_no_refund(source):
    RefundFactory(job=JobFactory(unpaid=True))

    assert measured(source, "postdeploy_refunded_once").level == Level.OK


def test_an_older_failure_is_not_new_data(source):
    old = NOW - timedelta(days=8)
    ConsumptionFactory(job=JobFactory(failed=True, completed_at=old))

    assert measured(source, "postdeploy_refunded_once").level == Level.OK


# postdeploy_retry_refunds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trait", ["queued_again", "processing"])
def test_a_refund_while_the_job_is_still_to_be_tried_breaks_the_third_rule(source, trait):
    RefundFactory(job=JobFactory(**{trait: True}))

    assert measured(source, "postdeploy_retry_refunds").level == Level.CRITICAL


@pytest.mark.parametrize("trait", ["succeeded", "failed"])
def test_so_does_a_refund_before_the_last_try_of_a_job_that_has_ended(source, trait):
    RefundFactory(job=JobFactory(**{trait: True}), created_at=MOMENT - timedelta(seconds=1))

    assert measured(source, "postdeploy_retry_refunds").value == 1


def test_a_refund_after_the_last_try_is_right(source):
    RefundFactory(job=JobFactory(failed=True), created_at=MOMENT + timedelta(seconds=1))

    assert measured(source, "postdeploy_retry_refunds").level == Level.OK


# source_monitor ------------------------------------------------------------------------------------------------------


@pytest.fixture
def cron(cursor):
    """pg_cron's tables, as far as the console reads them."""
    cursor.execute("create schema cron")
    cursor.execute("create table cron.job (jobid bigint primary key, jobname text)")
    cursor.execute(
        "create table cron.job_run_details"
        " (jobid bigint, status text, return_message text, start_time timestamptz, end_time timestamptz)"
    )
    cursor.execute("insert into cron.job values (1, 'generation_billing_anomaly_monitor_hourly'), (2, 'another')")
    return cursor


def ran(cursor, age, status="succeeded", job=1):
    cursor.execute(
        "insert into cron.job_run_details values (%s, %s, 'out of memory', %s, %s)", [job, status, NOW - age, NOW - age]
    )


def test_without_a_record_of_runs_silence_cannot_be_told_from_death(source):
    AuditFactory(action_type="generation_billing_anomaly_detected", metadata={"count": 2})
    measurement = measured(source, "source_monitor")

    assert (measurement.level, measurement.value) == (Level.UNKNOWN, None)
    assert "cron.job_run_details" in measurement.why
    assert measurement.detail["entries_in_24_hours"] == 1


@pytest.mark.parametrize(
    ("hours", "status", "level"),
    [
        (1, "succeeded", Level.OK),
        (2, "succeeded", Level.WARNING),
        (6, "succeeded", Level.CRITICAL),
        (1, "failed", Level.CRITICAL),
    ],
)
def test_with_one_the_newest_run_decides(source, cron, hours, status, level):
    ran(cron, timedelta(hours=hours), status)
    ran(cron, timedelta(hours=9))
    ran(cron, timedelta(0), job=2)

    measurement = measured(source, "source_monitor")

    assert (measurement.level, measurement.value) == (level, hours * 3600)


def test_a_monitor_that_never_ran_is_critical(source, cron):
    ran(cron, timedelta(0), job=2)

    assert measured(source, "source_monitor").level == Level.CRITICAL


def test_an_entry_without_an_anomaly_breaks_the_fourth_rule(source, cron):
    ran(cron, timedelta(minutes=20))
    AuditFactory(action_type="generation_billing_anomaly_detected", metadata={"count": 0})

    measurement = measured(source, "source_monitor")

    assert measurement.level == Level.WARNING
    assert "1 entries without an anomaly" in measurement.why


def test_a_record_that_may_not_be_read_is_unknown_and_not_an_error(source, cron):
    cron.execute("revoke all on cron.job_run_details from public, current_user")

    assert measured(source, "source_monitor").level == Level.UNKNOWN


@pytest.mark.parametrize("table", ["job", "job_run_details"])
def test_a_record_whose_rows_a_policy_hides_is_unknown(source, cron, table):
    ran(cron, timedelta(minutes=20))
    cron.execute(f"alter table cron.{table} enable row level security")
    cron.execute(f"alter table cron.{table} force row level security")

    measurement = measured(source, "source_monitor")

    assert measurement.level == Level.UNKNOWN
    assert "row policy" in measurement.why
