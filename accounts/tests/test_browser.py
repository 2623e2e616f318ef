"""People, settings, sign-in and the audit log in a real browser, with the people who use them."""

import pytest
from playwright.sync_api import expect

from accounts import changes
from accounts.models import Kind, Person
from audit.models import Entry
from billingadmin.tests.browsing import WINDOWS, look
from conftest import CAST_SINCE


@pytest.fixture
def asked(transactional_db, admin, second_admin, manager):
    return changes.request(
        person=manager, kind=Kind.GRANT, roles=["auditor"], reason="Stands in.", by=admin, now=CAST_SINCE
    )


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
