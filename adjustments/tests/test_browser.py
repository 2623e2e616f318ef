"""Two people in two browsers, the worker between them; and every screen, looked at by axe."""

import pytest
from django.test import Client
from playwright.sync_api import expect

from accounts.demo import CAST
from adjustments import preview, tasks
from adjustments.models import Adjustment, Preview
from adjustments.states import State
from billingadmin.tests.browsing import WINDOWS, look
from systems.tests.paperclips.models import Payment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(opened):
    """A browser of somebody's own."""

    def sit(person, **options):
        client = Client()
        client.force_login(person)
        return opened(client, **options)

    return sit


def test_one_proposes_another_approves_and_the_worker_posts_it_once(desk, anomaly, key_table, support, approver):
    asking, deciding = desk(support), desk(approver)

    asking.goto(f"/adjustments/propose/?anomaly={anomaly.pk}&correction=book_payment")
    asking.get_by_label("Reason").fill("The bank statement shows it.")
    asking.get_by_role("button", name="Propose").click()
    expect(asking.get_by_text("waiting for approval")).to_be_visible()

    deciding.goto("/adjustments/")
    deciding.get_by_role("link", name="Book the missing payment").click()
    tasks.answer_preview(str(Preview.objects.get().pk))
    expect(deciding.get_by_text("The rules stop finding")).to_be_visible()
    deciding.keyboard.press("d")
    deciding.get_by_label("Your password or a current code").fill(CAST["approver"].password)
    deciding.get_by_role("button", name="Approve +500 JPY").click()
    expect(deciding.get_by_text(f"Approved by {approver.name}")).to_be_visible()

    tasks.apply(str(Adjustment.objects.get().pk))
    expect(deciding.locator("[aria-current=step]")).to_have_text("applied")
    assert Payment.objects.count() == 1
    assert Adjustment.objects.get().state == State.APPLIED


@pytest.fixture
def everything(request, anomaly, propose, target, support, approver, approve, key_table):
    """Paths of every screen, among them a request of one's own."""
    pending = propose(target, support)
    preview.answer(Preview.objects.get(adjustment=pending).pk, now=pending.proposed_at)
    own = pending.get_absolute_url()
    return ["/adjustments/", "/adjustments/?tab=applied", own, f"{own}decide/", f"{own}edit/"]


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_every_screen_is_accessible_and_fits(desk, at_work, everything, approver, theme, width):
    page = desk(approver, color_scheme=theme, viewport={"width": width, "height": 900})

    for path in everything:
        assert look(page, path) == [], path


@pytest.mark.parametrize("state", ["applied", "needing_attention"])
def test_what_is_over_is_accessible_and_fits(request, desk, at_work, state, second_approver):
    adjustment = request.getfixturevalue(state)
    page = desk(second_approver, viewport={"width": 400, "height": 900})

    assert look(page, adjustment.get_absolute_url()) == []


def test_the_form_of_a_proposal_is_accessible_and_fits(desk, anomaly, support):
    page = desk(support, viewport={"width": 400, "height": 900})

    assert look(page, f"/adjustments/propose/?anomaly={anomaly.pk}&correction=book_payment") == []
