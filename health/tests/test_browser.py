"""The boards and the jobs in a real browser: for everyone, in light and dark, wide and narrow."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from billingadmin.tests.browsing import WINDOWS, look
from health.factories import ReadingFactory
from health.tests.conftest import probe
from jobs.models import JobRun
from jobs.tests.worker import work_off


@pytest.fixture
def full(transactional_db, shop):
    """Readings of every kind, and runs that went well and badly."""
    shop(probe("till"), probe("shelf"), probe("age", unit="seconds"), probe("attic"))
    now = timezone.now()
    rows = [{"order": 1, "state": "mislaid"}]
    for hours in range(0, 60, 6):
        at = now - timedelta(hours=hours)
        ReadingFactory(probe="till", measured_at=at, level="critical", value=hours, detail={"rows": rows})
        ReadingFactory(probe="shelf", measured_at=at, value=4, detail={"labels": {"open": 1, "shipped": 3}})
        ReadingFactory(probe="age", measured_at=at, value=900, unit="seconds", detail={"limits": {"warning": 3600}})
        JobRun.objects.create(
            name="probe", slot=at, started_at=at, finished_at=at, state="done", outcome="3 readings.", runner="worker"
        )
    JobRun.objects.create(
        name="tidy_jobs", slot=now, started_at=now, finished_at=now, state="failed", error="ValueError: no", runner="x"
    )


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_the_boards_and_the_jobs_are_accessible_and_fit(opened, full, support_client, theme, width):
    page = opened(support_client, color_scheme=theme, viewport={"width": width, "height": 900})

    for path in ("/", "/health/", "/health/paperclips/", "/jobs/", "/jobs/probe/", "/jobs/wake_snoozed/"):
        assert look(page, path) == [], path


def test_probe_now_shows_the_new_reading_without_a_reload(opened, shop, support_client):
    shop(probe("till"))
    page = opened(support_client)
    page.goto("/health/paperclips/")
    expect(page.get_by_text("It has not been measured yet.").first).to_be_visible()

    page.get_by_role("button", name="Probe now").click()
    expect(page.get_by_text("queued")).to_be_visible()
    worker = threading.Thread(target=work_off)
    worker.start()
    worker.join()

    expect(page.get_by_text("till is calm.").first).to_be_visible(timeout=15_000)
    expect(page.get_by_text("queued")).to_have_count(0)


def test_run_now_marks_the_job_in_its_row(opened, support_client):
    page = opened(support_client)
    page.goto("/jobs/")

    page.get_by_role("button", name="Run tidy_jobs now").click()

    expect(page.locator("#job-tidy_jobs").get_by_text("queued")).to_be_visible()
    expect(page.get_by_role("button", name="Run tidy_jobs now")).to_be_disabled()
