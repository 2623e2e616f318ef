"""Two people in two browsers, the worker between them; and every screen, looked at by axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import expect

from adjustments import preview, tasks
from adjustments.models import Adjustment, Preview
from adjustments.states import State
from systems.tests.paperclips.models import Payment

pytestmark = pytest.mark.django_db(transaction=True)

WINDOWS = [("light", 1440), ("dark", 400)]


@pytest.fixture
def desk(live_server, browser):
    """A browser of somebody's own; what the browser complains of fails the test."""
    complaints, contexts = [], []

    def sit(person, **options):
        client = Client()
        client.force_login(person)
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        cookies = [{"name": name, "value": held.value, "url": live_server.url} for name, held in client.cookies.items()]
        context.add_cookies(cookies)
        page = context.new_page()
        page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield sit
    for context in contexts:
        context.close()
    assert not complaints


def faults(page, path):
    """What is not accessible there, or does not fit."""
    page.goto(path)
    found = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in Axe().run(page).response["violations"]]
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return found if fits else [*found, ("too wide", [])]


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
        assert faults(page, path) == [], path


@pytest.mark.parametrize("state", ["applied", "needing_attention"])
def test_what_is_over_is_accessible_and_fits(request, desk, at_work, state, second_approver):
    adjustment = request.getfixturevalue(state)
    page = desk(second_approver, viewport={"width": 400, "height": 900})

    assert faults(page, adjustment.get_absolute_url()) == []


def test_the_form_of_a_proposal_is_accessible_and_fits(desk, anomaly, support):
    page = desk(support, viewport={"width": 400, "height": 900})

    assert faults(page, f"/adjustments/propose/?anomaly={anomaly.pk}&correction=book_payment") == []
