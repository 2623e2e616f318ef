"""A security key, really run: Chromium with a virtual authenticator, under the strict CSP."""

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as site
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import expect

from accounts.demo import CAST
from accounts.step_up import Method, StepUp
from adjustments.states import State
from adjustments.tests.conftest import *  # noqa: F403  (a request that waits)
from audit.models import Entry

pytestmark = pytest.mark.django_db(transaction=True)

KEY = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
WORD = CAST["approver"].password


@pytest.fixture
def house(live_server):
    """Keys are for names: of an address in numbers a browser asks none."""
    return live_server.url.replace("127.0.0.1", "localhost")


@pytest.fixture
def plugged_in(windows):
    """A window with a security key in its machine."""

    def plug_in():
        page = windows()
        cdp = page.context.new_cdp_session(page)
        cdp.send("WebAuthn.enable")
        cdp.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
        return page

    return plug_in


@pytest.fixture
def enrolled_key(plugged_in, house, approver):
    """The approver's window, after they added the key that is plugged in."""
    page, client = plugged_in(), Client()
    client.force_login(approver)
    page.context.add_cookies(
        [{"name": site.SESSION_COOKIE_NAME, "url": house, "value": client.cookies[site.SESSION_COOKIE_NAME].value}]
    )
    page.goto(f"{house}/accounts/2fa/webauthn/add/")
    page.fill("input[name=password]", WORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/2fa/webauthn/add/")
    page.click("#mfa_webauthn_add")
    page.wait_for_url(lambda url: "webauthn/add" not in url)
    return page


def test_a_key_is_added_and_the_log_says_so(enrolled_key, approver):
    assert Authenticator.objects.filter(user=approver, type="webauthn").count() == 1
    assert Entry.objects.filter(action_type="second_factor_added").last().metadata["factor"] == "webauthn"


def test_an_approver_decides_with_the_key_and_types_nothing(enrolled_key, house, pending, at_work, approver):
    page = enrolled_key
    page.goto(f"{house}{pending.get_absolute_url()}decide/")

    page.get_by_role("button", name="Approve").click()

    expect(page.get_by_text(f"Approved by {approver.name}").first).to_be_visible()
    pending.refresh_from_db()
    assert pending.state == State.APPROVED
    assert StepUp.objects.get(person=approver).method == Method.WEBAUTHN


def test_one_signs_in_with_the_key_after_the_password(enrolled_key, house):
    page = enrolled_key
    page.context.clear_cookies()
    cache.clear()
    page.goto(f"{house}/accounts/login/?next=/accounts/settings/")
    page.fill("input[name=login]", CAST["approver"].email)
    page.fill("input[name=password]", WORD)
    page.press("input[name=password]", "Enter")

    page.get_by_role("button", name="Use a security key").click()

    page.wait_for_url("**/accounts/settings/")
