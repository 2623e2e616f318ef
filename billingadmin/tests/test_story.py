"""The whole story, in two browsers: found, understood, proposed, signed by another, posted once, and proven."""

import io
import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import expect

from accounts.demo import CAST
from anomalies.detection import detect
from anomalies.models import Anomaly
from audit.log import job_actor
from audit.models import Entry
from billingadmin.tests.browsing import WINDOWS, look
from jobs.tests.worker import work_off
from systems import registry
from systems.imagegen.factories import ConsumptionFactory, CreditsFactory, JobFactory
from systems.imagegen.models import CreditTransaction, UserCredits

EVERY_PAGE = (
    *("/", "/anomalies/", "/adjustments/", "/health/imagegen/", "/systems/imagegen/runbook/", "/audit/", "/jobs/"),
    *("/search/?q=nothing-like-this", "/accounts/settings/", "/nowhere/"),
)


@pytest.fixture
def job(transactional_db):
    """A job that failed for good, was charged, and was never refunded; found an hour later."""
    ended = timezone.now() - timedelta(hours=1)
    job = JobFactory(failed=True, attempts=2, created_at=ended, updated_at=ended, completed_at=ended)
    CreditsFactory(user_id=job.user_id, balance=100, paid_balance=100)
    ConsumptionFactory(job=job, user_id=job.user_id, amount=-20, created_at=ended, told=True)
    call_command("prepare_source", "imagegen", "--apply", stdout=io.StringIO())
    detect(registry.get("imagegen"), now=timezone.now(), trigger="command", actor=job_actor("detect_imagegen"))
    return job


@pytest.fixture
def ledger(job):
    return CreditTransaction.objects.filter(user_id=job.user_id)


def test_two_people_put_it_right(signed_in, support, approver, job, ledger):
    at_support, at_approver = signed_in("support"), signed_in("approver")

    propose_the_refund(at_support, job)
    expect(at_support.get_by_role("link", name="Decide")).to_have_count(0)
    approve(at_approver)
    let_the_worker_work()

    expect(at_approver.get_by_text("applied").first).to_be_visible(timeout=15_000)
    assert list(ledger.filter(transaction_type="refund").values_list("amount", flat=True)) == [20]
    assert UserCredits.objects.get(user_id=job.user_id).balance == 120
    assert Anomaly.objects.get().state == "settled"
    at_support.goto("/anomalies/")
    expect(at_support.get_by_role("link", name="Charged, failed, and not refunded")).to_have_count(0)
    at_support.goto(f"/audit/?q={job.id}")
    at_support.get_by_role("link", name="Adjustment applied").click()
    expect(at_support.get_by_text("The model timed out twice").first).to_be_visible()
    assert Entry.objects.filter(action_type="adjustment_applied", job_id=str(job.id)).count() == 1


def let_the_worker_work():
    """In a thread of its own: the browser's loop runs in this one."""
    worker = threading.Thread(target=work_off)
    worker.start()
    worker.join()


def propose_the_refund(page, job):
    page.goto("/anomalies/")
    page.get_by_role("link", name="Charged, failed, and not refunded").click()
    expect(page.get_by_text("should be here and is not").first).to_be_visible()
    page.get_by_role("link", name="Post the missing refund").click()
    page.get_by_role("button", name="Propose").click()  # without a reason it comes back and says so
    page.get_by_label("Reason").fill("The model timed out twice; the customer wrote in.")
    page.get_by_role("button", name="Propose").click()
    let_the_worker_work()
    expect(page.get_by_text("Charged, failed, and not refunded").first).to_be_visible(timeout=15_000)


def approve(page):
    page.goto("/adjustments/")
    page.get_by_role("link", name="Post the missing refund").click()
    page.get_by_role("link", name="Decide").click()
    page.get_by_label("Your password or a current code").fill(CAST["approver"].password)
    page.get_by_role("button", name="Approve +20 credits").click()
    page.wait_for_url("**/adjustments/*/")


def test_the_queue_is_worked_by_keyboard(signed_in, support, job):
    page = signed_in("support")
    page.goto("/anomalies/")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/anomalies/*/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Charged, failed, and not refunded")
    page.keyboard.press("/")
    page.keyboard.type(str(job.id))
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/subjects/imagegen/job/{job.id}/")


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_every_page_is_accessible_and_fits(opened, support_client, job, theme, width):
    page = opened(support_client, color_scheme=theme, viewport={"width": width, "height": 900})
    anomaly = Anomaly.objects.get()
    pages = [*EVERY_PAGE[:-1], f"/anomalies/{anomaly.pk}/", f"/subjects/imagegen/job/{job.id}/"]
    pages.append(f"/adjustments/propose/?anomaly={anomaly.pk}&correction=post_refund")

    for path in pages:
        assert look(page, path) == [], path
