"""Runs a slot once, however many fire it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from audit.log import job_actor, record
from audit.models import Entry
from billingadmin.sql import statement
from jobs import lock, running
from jobs.lock import alone
from jobs.models import JobRun, RunState
from jobs.registry import Job

NOW = datetime(2026, 11, 2, 12, 10, tzinfo=UTC)
SLOT = datetime(2026, 11, 2, 12, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Work:
    """What a test's job does: it counts, and fails as often as it is told."""

    def __init__(self, failures=0):
        self.seen, self.failures = [], failures

    def __call__(self, now):
        self.seen.append(now)
        if len(self.seen) <= self.failures:
            raise ValueError("the till is empty")
        return f"{len(self.seen)} coins counted."


def job(work, **changes):
    return Job(**{"name": "count", "cron": "7 * * * *", "run": work, "what": "Counts the coins.", **changes})


def fire(work, now=NOW, again=False, **changes):
    return running.fire(job(work, **changes), now=now, runner="test", again=again)


@pytest.mark.django_db
def test_a_firing_runs_the_latest_slot_and_keeps_what_the_job_said():
    work = Work()

    firings = fire(work)

    run = JobRun.objects.get()
    assert [firing.ran for firing in firings] == [True]
    assert (run.slot, run.state, run.outcome) == (SLOT, RunState.DONE, "1 coins counted.")
    assert (run.started_at, run.attempt_count) == (NOW, 1)
    assert run.finished_at >= run.started_at


@pytest.mark.django_db
def test_a_slot_that_is_done_stays_calm():
    work = Work()

    fire(work)
    firings = fire(work, NOW + timedelta(minutes=30))

    assert work.seen == [NOW]
    assert [firing.ran for firing in firings] == [False]


@pytest.mark.django_db
def test_a_failed_slot_says_why_and_runs_again_only_when_asked():
    work = Work(failures=1)

    fire(work)
    assert (JobRun.objects.get().state, JobRun.objects.get().error) == ("failed", "ValueError: the till is empty")
    fire(work)
    assert len(work.seen) == 1
    fire(work, again=True)

    run = JobRun.objects.get()
    assert (run.state, run.error, run.attempt_count) == ("done", "", 2)


@pytest.mark.django_db
def test_what_a_job_records_is_found_by_its_run():
    def records(now):
        with transaction.atomic():
            record(actor=job_actor("count"), action_type="coins_counted")
        return "counted"

    (firing,) = fire(records)

    assert Entry.objects.get().correlation_id == f"job-run-{firing.run.pk}"


@pytest.mark.django_db
def test_a_job_that_breaks_its_connection_still_ends_as_failed():
    def breaks(now):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select 1/0")

    fire(breaks)

    assert "division by zero" in JobRun.objects.get().error


@pytest.mark.django_db(transaction=True)
def test_sixteen_simultaneous_firings_of_one_slot_run_once():
    together, work = threading.Barrier(16), Work()

    def one_of_many(_):
        together.wait()
        try:
            return fire(work)
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        firings = [firing for answer in pool.map(one_of_many, range(16)) for firing in answer]

    run = JobRun.objects.get()
    assert len(work.seen) == 1
    assert sum(firing.ran for firing in firings) == 1
    assert (run.state, run.attempt_count) == (RunState.DONE, 1)


@pytest.mark.django_db
def test_a_running_row_whose_process_died_is_taken_over():
    JobRun.objects.create(name="count", slot=SLOT, started_at=SLOT, runner="worker gone:1")
    work = Work()

    fire(work)

    run = JobRun.objects.get()
    assert (run.state, run.runner, run.attempt_count) == (RunState.DONE, "test", 2)


@pytest.mark.django_db(transaction=True)
def test_the_lock_of_a_process_that_dies_is_free_at_once():
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute(statement(lock.SQL, "try_lock"), {"space": lock.SPACE, "key": lock.key("count")})
        cursor.execute("select pg_backend_pid()")
        (process,) = cursor.fetchone()
    with alone("count") as first:
        assert not first

    with connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 5000)", [process])

    with alone("count") as first:
        assert first
    other.close()


@pytest.mark.django_db(transaction=True)
def test_a_running_row_whose_process_lives_is_left_alone():
    JobRun.objects.create(name="count", slot=SLOT, started_at=SLOT, runner="worker alive:1")
    work = Work()

    with alone("count") as first:
        firings = fire(work)

    assert first
    assert not work.seen
    assert [(firing.ran, firing.run.state) for firing in firings] == [(False, RunState.RUNNING)]


@pytest.mark.django_db(transaction=True)
def test_a_slot_that_comes_while_another_runs_is_recorded_as_skipped():
    work = Work()

    with alone("count"):
        fire(work)

    run = JobRun.objects.get()
    assert not work.seen
    assert (run.state, run.outcome) == (RunState.SKIPPED, "The run before was still going.")


@pytest.mark.django_db
def test_older_rows_of_the_dead_are_closed_by_the_next_run():
    JobRun.objects.create(name="count", slot=SLOT - 5 * HOUR, started_at=SLOT - 5 * HOUR, runner="worker gone:1")

    fire(Work())

    assert JobRun.objects.order_by("slot").first().error == "The process that ran it died."


@pytest.mark.django_db
def test_a_slow_process_thought_dead_does_not_overwrite_its_successor():
    def is_overtaken(now):
        JobRun.objects.update(attempt_count=2, runner="worker other:2")
        return "late"

    firings = fire(is_overtaken)

    assert firings[0].run.outcome == ""
    assert firings[0].run.runner == "worker other:2"


# Catching up ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("catch_up", "made_up"),
    [("latest", []), ("each", [SLOT + HOUR, SLOT + 2 * HOUR]), ("none", [])],
)
def test_what_was_missed_is_made_up_as_the_job_says(catch_up, made_up):
    work = Work()
    fire(work, catch_up=catch_up, now=SLOT)

    later = SLOT + 3 * HOUR + timedelta(minutes=1)
    fire(work, catch_up=catch_up, now=later)

    assert work.seen == [SLOT, *made_up, later]


@pytest.mark.django_db
def test_a_fresh_console_makes_up_for_nothing_before_its_first_run():
    work = Work()

    fire(work, catch_up="each")

    assert work.seen == [NOW]


@pytest.mark.django_db
def test_one_missed_slot_that_fails_does_not_stop_the_others_and_is_tried_three_times():
    fire(Work(), catch_up="each", now=SLOT)
    fails = {SLOT + HOUR}
    seen = []

    def work(now):
        seen.append(now)
        if now in fails:
            raise ValueError("not this hour")
        return "counted"

    for hours in range(3, 8):
        fire(work, catch_up="each", now=SLOT + hours * HOUR)

    assert seen.count(SLOT + HOUR) == running.MOST_ATTEMPTS
    assert seen.count(SLOT + 2 * HOUR) == 1
    assert JobRun.objects.failed().get().slot == SLOT + HOUR


@pytest.mark.django_db
def test_a_job_that_makes_up_for_nothing_is_not_run_too_late():
    work = Work()

    fire(work, catch_up="none", now=SLOT + timedelta(minutes=11))

    assert not work.seen
    assert JobRun.objects.get().outcome == "Missed, and not made up."


@pytest.mark.django_db
def test_of_a_thousand_missed_slots_the_newest_hundred_are_made_up():
    fire(Work(), catch_up="each", now=SLOT)

    due = running.missed(job(Work(), catch_up="each"), now=SLOT + 1000 * HOUR)

    assert len(due) == 100
    assert due[-1] == SLOT + 999 * HOUR


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("now", "overdue"), [(SLOT + timedelta(minutes=9), False), (SLOT + timedelta(minutes=11), True)]
)
def test_a_slot_is_overdue_when_its_grace_is_over(now, overdue):
    fire(Work(), now=SLOT - HOUR)

    assert running.is_overdue(job(Work()), now=now) == overdue


@pytest.mark.django_db
def test_catching_up_fires_what_is_overdue_and_says_so():
    overdue, punctual = Work(), Work()
    jobs = (job(overdue), job(punctual, name="sweep", cron="9 * * * *"))
    running.fire(jobs[1], now=NOW, runner="test")

    later = SLOT + timedelta(minutes=12)
    said = running.catch_up(jobs, now=later, runner="test")

    assert (len(overdue.seen), len(punctual.seen)) == (1, 1)
    assert said == "1 run made up: count 2026-11-02 12:07."
    assert running.catch_up(jobs, now=later, runner="test") == "Nothing was missed."


@pytest.mark.django_db
def test_catching_up_takes_over_what_a_dead_process_left():
    JobRun.objects.create(name="count", slot=SLOT, started_at=SLOT, runner="worker gone:1")
    work = Work()

    running.catch_up((job(work),), now=SLOT + timedelta(minutes=12), runner="test")

    assert JobRun.objects.get().state == RunState.DONE


# What must never be --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("broken", "constraint"),
    [
        ({"state": "asleep", "finished_at": NOW}, "job_run_state_is_known"),
        ({"state": "done"}, "job_run_ends_when_it_is_over"),
        ({"state": "running", "finished_at": NOW}, "job_run_ends_when_it_is_over"),
        ({"state": "failed", "finished_at": NOW}, "job_run_failure_has_a_reason"),
    ],
)
def test_the_database_refuses_a_run_that_cannot_be(broken, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        JobRun.objects.create(**{"name": "count", "slot": SLOT, "started_at": SLOT, "runner": "test", **broken})


@pytest.mark.django_db
def test_the_database_refuses_a_second_row_for_a_slot():
    JobRun.objects.create(name="count", slot=SLOT, started_at=SLOT, runner="test")

    with pytest.raises(DatabaseError, match="job_run_once_per_slot"), transaction.atomic():
        JobRun.objects.create(name="count", slot=SLOT, started_at=SLOT, runner="test")
