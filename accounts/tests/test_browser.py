"""People, settings, sign-in and the audit log in a real browser, with the people who use them."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from accounts import changes
from accounts.demo import CAST
from accounts.models import Kind, Person
from audit.models import Entry
from conftest import CAST_SINCE

WINDOWS = [("light", 1280), ("dark", 400)]


@pytest.fixture
def signed_in(live_server, browser):
    """Signs one of the cast in by the form, in a browser context of their own; complaints of the browser fail."""
    complaints, contexts = [], []

    def sign_in(part, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{live_server.url}/accounts/login/?next=/accounts/settings/")
        page.fill("input[name=login]", CAST[part].email)
        page.fill("input[name=password]", CAST[part].password)
        page.press("input[name=password]", "Enter")
        page.wait_for_url("**/accounts/settings/")
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def asked(transactional_db, admin, second_admin, manager):
    return changes.request(
        person=manager, kind=Kind.GRANT, roles=["auditor"], reason="Stands in.", by=admin, now=CAST_SINCE
    )


def look(page, path):
    """Goes there, and says what is not accessible or does not fit."""
    page.goto("/".join(page.url.split("/")[:3]) + path)
    found = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in Axe().run(page).response["violations"]]
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return found if fits else [*found, ("too wide", [])]


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_people_and_settings_are_accessible_and_fit(signed_in, asked, manager, theme, width):
    page = signed_in("second_admin", color_scheme=theme, viewport={"width": width, "height": 900})

    for path in ("/people/", f"/people/{manager.pk}/", "/people/invite/", "/accounts/settings/"):
        assert look(page, path) == [], path


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_the_audit_log_is_accessible_and_fits(signed_in, asked, auditor, theme, width):
    page = signed_in("auditor", color_scheme=theme, viewport={"width": width, "height": 900})
    newest = Entry.objects.newest_first().first().position

    for path in ("/audit/", f"/audit/{newest}/", f"/audit/{newest - 1}/", "/audit/?q=nowhere"):
        assert look(page, path) == [], path


def test_allauth_s_pages_are_accessible_too(signed_in, support):
    page = signed_in("support")

    for path in ("/accounts/password/change/", "/accounts/2fa/", "/accounts/sessions/"):
        assert look(page, path) == [], path


def test_two_admins_change_a_role(signed_in, asked, manager):
    second = signed_in("second_admin")
    second.goto(second.url.replace("/accounts/settings/", "/people/"))

    second.get_by_role("button", name="Confirm").click()

    expect(second.get_by_text("Confirmed: Make María López auditor.")).to_be_visible()
    expect(second.locator("#waiting")).to_have_count(0)
    assert Person.objects.get(pk=manager.pk).roles == {"manager", "auditor"}


def test_a_theme_holds_from_the_next_page_on(signed_in, support):
    page = signed_in("support", color_scheme="light")

    page.select_option("select[name=theme]", "dark")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Saved.")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_the_log_is_filtered_where_it_stands(signed_in, asked, auditor):
    page = signed_in("auditor")
    page.goto(page.url.replace("/accounts/settings/", "/audit/"))

    page.select_option("select[name=action]", "role_grant_requested")

    page.wait_for_url("**/audit/?*action=role_grant_requested*")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/audit/{Entry.objects.get(action_type='role_grant_requested').position}/")
