import pytest

from jobs import registry
from jobs.checks import check_jobs
from jobs.registry import Job
from jobs.wording import in_words

FAULTY = (
    Job("twice", "7 * * * *", print, "One."),
    Job("twice", "7 * * * *", print, "Two."),
    Job("odd", "@hourly", print, "An hour of its own."),
    Job("lost", "7 * * * *", print, "Nowhere to wait.", catch_up="sometimes", queue="lounge"),
)


def faulty():
    return FAULTY


def test_a_job_is_found_by_its_name_and_an_unknown_one_is_refused_by_name(shop_jobs):
    assert registry.get("count").what == "Counts the coins."
    with pytest.raises(registry.UnknownJob, match=r"There is no job “paint”\. Known: count, sweep"):
        registry.get("paint")


def test_what_cannot_be_right_about_a_job_is_told_before_anything_runs(settings):
    settings.JOB_SOURCES = (f"{__name__}.faulty",)

    assert [error.id for error in check_jobs(None)] == ["jobs.E001", "jobs.E002", "jobs.E003", "jobs.E004"]


def test_the_jobs_there_are_are_right():
    assert registry.all_jobs()
    assert check_jobs(None) == []


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("7 * * * *", "every hour at minute 7"),
        ("7 */6 * * *", "every 6 hours at minute 7"),
        ("40 3 * * *", "every day at 03:40 UTC"),
        ("0 3 * * 1", "every Monday at 03:00 UTC"),
        ("0 3 * * 0", "every Sunday at 03:00 UTC"),
        ("0 3 1 * *", "on day 1 of every month at 03:00 UTC"),
        ("0 3 1 1 *", "0 3 1 1 *"),
        ("1-5 3,4 * * *", "1-5 3,4 * * *"),
        ("0 3 1 * 1", "0 3 1 * 1"),
    ],
)
def test_a_schedule_is_put_in_words_where_there_are_some(cron, words):
    assert in_words(cron) == words
