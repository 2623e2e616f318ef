"""manage.py job: lists, runs, and ends with the code that cron and scripts go by."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from jobs.models import JobRun, RunState

pytestmark = pytest.mark.django_db


def job(*arguments):
    said = StringIO()
    call_command("job", *arguments, stdout=said)
    return said.getvalue()


def test_list_names_each_job_with_its_schedule_and_its_last_run(shop_jobs):
    job("run", "count")

    count, sweep = job("list").splitlines()

    assert "count" in count
    assert "7 * * * *" in count
    assert "done" in count
    assert "never ran" in sweep


def test_run_says_what_the_job_said_and_a_second_run_stays_calm(shop_jobs):
    assert "done. 1 coins counted." in job("run", "count")
    assert "not run: done. 1 coins counted." in job("run", "count")
    assert len(shop_jobs) == 1


def test_run_fails_with_exit_1_when_the_job_does(trouble):
    with pytest.raises(CommandError) as failure:
        job("run", "sweep")

    assert failure.value.returncode == 1
    assert JobRun.objects.get().error == "ValueError: the broom is gone"


def test_a_person_may_run_a_failed_slot_again_and_cron_does_not_insist(trouble, monkeypatch):
    for _ in range(2):
        with pytest.raises(CommandError):
            job("run", "sweep")
    assert JobRun.objects.get().attempt_count == 2

    monkeypatch.setenv("BILLINGADMIN_RUNNER", "cron")
    with pytest.raises(CommandError):
        job("run", "sweep")

    assert JobRun.objects.get().attempt_count == 2


def test_run_by_cron_is_known_as_such(shop_jobs, monkeypatch):
    monkeypatch.setenv("BILLINGADMIN_RUNNER", "cron")

    job("run", "count")

    assert JobRun.objects.get().runner.startswith("cron ")


def test_a_slot_can_be_named(shop_jobs):
    job("run", "count", "--slot", "2026-11-02T12:07Z")

    run = JobRun.objects.get()
    assert (f"{run.slot:%Y-%m-%dT%H:%M}", run.state) == ("2026-11-02T12:07", RunState.DONE)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "paint"),
        ("run", "count", "--slot", "yesterday"),
        ("run", "count", "--slot", "2026-13-45T00:00Z"),
        ("run", "count", "--slot", "2999-01-01T00:00Z"),
        ("list", "count"),
        ("paint",),
        ("run", "count", "--loud"),
        (),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(shop_jobs, arguments):
    with pytest.raises(CommandError) as refusal:
        job(*arguments)

    assert refusal.value.returncode == 2
    assert len(str(refusal.value).splitlines()) == 1
    assert not JobRun.objects.exists()
