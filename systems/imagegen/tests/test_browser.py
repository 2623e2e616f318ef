"""The room's own screens in a real browser."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connections
from django.utils import timezone

from accounts.demo import CAST
from health.probing import probe
from systems.imagegen.demo import build
from systems.imagegen.story import history
from systems.imagegen.system import SYSTEM

PAGES = ["pre-deploy", "post-deploy", "runbook"]


@pytest.fixture
def measured(transactional_db, monkeypatch):
    """A short story, measured."""
    monkeypatch.setattr(history, "JOBS", 300)
    now = timezone.now()
    with connections["imagegen_writer"].cursor() as cursor:
        build(cursor, now, 1)
    probe(SYSTEM, now=now)


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 400)])
def test_the_screens_are_accessible_fit_and_keep_the_policy(live_server, browser, measured, support, theme, width):
    complaints = []
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
    page.goto(f"{live_server.url}/accounts/login/?next=/systems/imagegen/runbook/")
    page.fill("input[name=login]", CAST["support"].email)
    page.fill("input[name=password]", CAST["support"].password)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/runbook/")

    for name in PAGES:
        page.goto(f"{live_server.url}/systems/imagegen/{name}/")
        violations = [rule["id"] for rule in Axe().run(page).response["violations"]]
        assert violations == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    context.close()
    assert not complaints
