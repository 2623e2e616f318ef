"""Real browsers for the tests: a context for each person, and a careful look at each page."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as site
from django.core.cache import cache

from accounts.demo import CAST
from accounts.demo_codes import code_of
from accounts.roles import WITH_SECOND_FACTOR

WINDOWS = [("light", 1440), ("dark", 400)]  # theme and width


@pytest.fixture
def windows(live_server, browser):
    """Opens a page in a browser context of its own; whatever the browser complains of fails the test."""
    complaints, contexts = [], []

    def open_window(**options):
        contexts.append(browser.new_context(base_url=live_server.url, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda line: complaints.append(line.text) if _is_complaint(line) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def signed_in(windows, settings):
    """Signs one of the cast in by the form, as a person does: with the code on their phone, where they have one."""
    settings.MFA_TOTP_TOLERANCE = 1  # a code may run out between reading and sending

    def sign_in(part, **options):
        page = windows(**options)
        page.goto("/accounts/login/?next=/accounts/settings/")
        page.fill("input[name=login]", CAST[part].email)
        page.fill("input[name=password]", CAST[part].password)
        page.press("input[name=password]", "Enter")
        if CAST[part].role in WITH_SECOND_FACTOR:
            cache.clear()  # the same person may come again with the same code: here it may serve once more
            page.fill("input[name=code]", code_of(CAST[part]))
            page.press("input[name=code]", "Enter")
        page.wait_for_url("**/accounts/settings/")
        return page

    return sign_in


@pytest.fixture
def opened(windows):
    """A window of somebody who is signed in already, by their test client."""

    def open_as(client, **options):
        page = windows(**options)
        cookie = client.cookies[site.SESSION_COOKIE_NAME].value
        page.context.add_cookies(
            [{"name": site.SESSION_COOKIE_NAME, "value": cookie, "domain": "127.0.0.1", "path": "/"}]
        )
        return page

    return open_as


def _is_complaint(line):
    """An answer of 422 is none: the page says what the person wrote wrong."""
    return line.type in ("error", "warning") and "a status of 422" not in line.text


def look(page, path):
    """Goes there, and says what is not accessible or does not fit."""
    page.goto(path)
    return noticed(page)


def noticed(page):
    """What is not accessible, or does not fit, of the page as it stands."""
    found = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in Axe().run(page).response["violations"]]
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return found if fits else [*found, ("too wide", [])]
