"""The worker's part: a real worker, on the tests' database, until there is nothing left to do."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from jobs import jobs, queue, running, scheduler, tasks
from jobs.models import JobRun, RunState
from jobs.tests.worker import work_off

NOW = datetime(2026, 11, 2, 12, 10, tzinfo=UTC)


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.mark.django_db(transaction=True)
def test_a_firing_by_the_worker_runs_the_job_once(shop_jobs):
    for _ in range(3):
        tasks.fire.defer(timestamp=0, name="count")
    work_off()

    run = JobRun.objects.get()
    assert len(shop_jobs) == 1
    assert run.state == RunState.DONE
    assert run.runner.startswith("worker ")


@pytest.mark.django_db(transaction=True)
def test_a_task_deferred_in_a_transaction_that_fails_was_never_there(shop_jobs):
    with transaction.atomic():
        tasks.fire.defer(timestamp=0, name="count")
        transaction.set_rollback(True)

    assert not queue.pending("jobs.fire")


@pytest.mark.django_db
def test_pending_knows_a_task_by_its_arguments(shop_jobs):
    tasks.fire.defer(timestamp=0, name="count")

    assert queue.pending("jobs.fire", name="count")
    assert not queue.pending("jobs.fire", name="sweep")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("attempts", "state"), [(0, "todo"), (tasks.MOST_ATTEMPTS, "failed")])
def test_a_task_whose_worker_died_is_given_to_another_but_not_for_ever(attempts, state):
    tasks.fire.defer(timestamp=0, name="count")
    sql("insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 hour')")
    sql("update procrastinate_jobs set status = 'doing', attempts = %s,"
        " worker_id = (select max(id) from procrastinate_workers)", attempts)  # fmt: skip

    tasks.rescue.defer(timestamp=0)
    work_off("housekeeping")

    assert ProcrastinateJob.objects.get(task_name="jobs.fire").status == state


@pytest.mark.django_db(transaction=True)
def test_a_failed_task_is_seen_and_can_be_put_back():
    tasks.fire.defer(timestamp=0, name="paint")
    work_off()

    (failed,) = queue.failed_tasks()
    assert (failed.name, failed.arguments["name"], failed.attempt_count) == ("jobs.fire", "paint", 1)
    assert failed.failed_at
    assert queue.retry(failed.id, timezone.now()) == failed
    assert queue.failed_tasks() == []
    assert queue.retry(failed.id, timezone.now()) is None


def test_each_job_has_its_line_in_the_workers_timetable():
    from jobs import registry

    timetable = {periodic_id for name, periodic_id in queue.app.periodic_registry.periodic_tasks if name == "jobs.fire"}

    assert timetable == {job.name for job in registry.all_jobs()}


# Which scheduler -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_no_scheduler_is_at_work_when_none_has_shown_itself():
    assert not scheduler.scheduler(timezone.now()).is_active


@pytest.mark.django_db
def test_a_worker_is_at_work_while_it_breathes():
    sql("insert into procrastinate_workers (last_heartbeat) values (now()), (now() - interval '1 hour')")

    assert scheduler.scheduler(timezone.now()).worker_count == 1


@pytest.mark.django_db
def test_cron_is_at_work_while_it_fires():
    JobRun.objects.create(name="count", slot=NOW, started_at=NOW, runner="cron here:1")

    assert scheduler.scheduler(NOW + timedelta(minutes=10)).cron_at == NOW
    assert not scheduler.scheduler(NOW + timedelta(minutes=20)).is_active


# The jobs' own jobs --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_tidying_drops_old_runs_but_the_newest_of_each_job_and_failures_for_longer(shop_jobs):
    def run(name, days, **more):
        at = NOW - timedelta(days=days)
        JobRun.objects.create(name=name, slot=at, started_at=at, finished_at=at, runner="test", **more)

    for days in (1, 15, 16):
        run("count", days, state="done")
    run("count", 17, state="failed", error="no coins")
    run("count", 91, state="failed", error="no coins")
    run("sweep", 40, state="done")

    assert jobs.tidy(NOW) == "3 old runs dropped."
    assert {(run.name, (NOW - run.slot).days) for run in JobRun.objects.all()} == {
        ("count", 1), ("count", 17), ("sweep", 40)
    }  # fmt: skip


@pytest.mark.django_db
def test_the_job_that_catches_up_runs_the_others_but_not_itself(shop_jobs, settings):
    settings.JOB_SOURCES = (*settings.JOB_SOURCES, "jobs.jobs.JOBS")
    running.fire(jobs.JOBS[0], now=NOW + timedelta(minutes=10), runner="test")

    assert shop_jobs == [NOW + timedelta(minutes=10)]
    assert JobRun.objects.of("catch_up").count() == 1
