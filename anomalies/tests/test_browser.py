"""The queue and its pages in a real browser: by keyboard, in both themes, wide and narrow."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import expect

from anomalies.factories import MOMENT, AnomalyFactory, CheckFactory, LogLineFactory, NoteFactory
from anomalies.models import Anomaly
from systems.tests.paperclips.factories import OrderFactory

WINDOWS = [("light", 1280), ("dark", 400)]


@pytest.fixture
def desk(live_server, browser, support, support_client):
    """A page of support's, signed in; complaints of the browser fail."""
    complaints, contexts = [], []

    def desk(**options):
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": support_client.cookies[name].value, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield desk
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def anomalies(transactional_db):
    return [AnomalyFactory(observed_at=MOMENT + timedelta(minutes=number)) for number in range(55)]


def test_the_queue_is_worked_by_keyboard(desk, anomalies, support):
    page = desk()
    page.goto("/anomalies/")

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tr[aria-current]")).to_have_id(f"anomaly-{anomalies[1].pk}")
    page.keyboard.press("c")
    expect(page.locator(f"#anomaly-{anomalies[1].pk}")).to_contain_text("Release")
    expect(page.get_by_text("It is yours.")).to_be_visible()
    page.keyboard.press("k")
    page.keyboard.press("Enter")

    expect(page).to_have_url(f"{page.url.partition('/anomalies')[0]}/anomalies/{anomalies[0].pk}/")
    assert Anomaly.objects.get(pk=anomalies[1].pk).owner == support


def test_ticked_rows_are_decided_together(desk, anomalies):
    page = desk()
    page.goto("/anomalies/")

    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("2 chosen")).to_be_visible()
    page.keyboard.press("d")
    page.get_by_label("Reason").select_option("expected")
    page.get_by_label("In a sentence").fill("Gifts for the fair.")
    page.get_by_role("button", name="Dismiss 2 anomalies").click()

    expect(page.get_by_text("2 anomalies are dismissed.")).to_be_visible()
    assert set(Anomaly.objects.filter(state="dismissed")) == set(anomalies[:2])


def test_pages_turn_in_place_and_the_address_follows(desk, anomalies):
    page = desk()
    page.goto("/anomalies/")

    page.keyboard.press("n")

    expect(page.locator("tbody tr")).to_have_count(5)
    expect(page.locator("#list")).to_have_count(1)
    assert "after=" in page.url
    page.keyboard.press("p")
    expect(page.locator("tbody tr")).to_have_count(50)


@pytest.mark.parametrize("path", ["/anomalies/", "/adjustments/?tab=all", "/audit/"])
def test_on_a_phone_the_parts_of_a_filter_stand_side_by_side(desk, anomalies, path):
    page = desk(viewport={"width": 400, "height": 800})
    page.goto(path)

    shown = page.locator(".filters > :visible:not([type=hidden])")
    boxes = [part.bounding_box() for part in shown.all()]

    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 400 for box in boxes)
    assert not [(a, b) for a in boxes for b in boxes if a is not b and _overlap(a, b)]


def _overlap(a, b):
    return all(a[at] < b[at] + b[size] and b[at] < a[at] + a[size] for at, size in (("x", "width"), ("y", "height")))


def test_a_filter_submits_itself_and_stays(desk, anomalies):
    AnomalyFactory(severity="critical", subject="4711")
    page = desk()
    page.goto("/anomalies/")

    page.get_by_label("Severity").select_option("critical")

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_label("Severity")).to_have_value("critical")


def test_a_runbook_step_is_ticked_by_its_box(desk, transactional_db):
    anomaly = AnomalyFactory()
    page = desk()
    page.goto(f"/anomalies/{anomaly.pk}/")

    page.get_by_label("Ask the bank whether the money arrived.").check()

    expect(page.locator("li[data-done]")).to_have_count(1)
    assert anomaly.ticks.get().step == "ask"


def wrong(page):
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in Axe().run(page).response["violations"]]


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_the_pages_are_accessible_and_fit(desk, anomalies, support, theme, width):
    OrderFactory(id=7, shipped=True)
    anomaly = AnomalyFactory(subject="7", facts={"order_id": "7", "shipped": True, "paid": False, "at": "x" * 300})
    NoteFactory(anomaly=anomaly, author=support)
    CheckFactory(anomaly=anomaly)
    LogLineFactory(subject="7", message="a long line " * 40)
    page = desk(color_scheme=theme, viewport={"width": width, "height": 900})

    for path in (
        "/anomalies/",
        "/anomalies/?severity=critical",
        "/anomalies/?age=never",
        "/anomalies/?state=settled",
        f"/anomalies/{anomaly.pk}/",
        "/subjects/paperclips/order/7/",
        "/subjects/paperclips/order/4711/",
        "/search/?q=hello",
        "/search/?q=4711",
    ):
        page.goto(path)
        found = [
            (rule["id"], [node["html"] for node in rule["nodes"]]) for rule in Axe().run(page).response["violations"]
        ]
        assert found == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_forms_that_are_open_are_accessible(desk, transactional_db):
    anomaly = AnomalyFactory()
    page = desk()
    page.goto(f"/anomalies/{anomaly.pk}/")

    for name in ("Dismiss", "Snooze"):
        page.locator("summary", has_text=name).click()

    assert wrong(page) == []
