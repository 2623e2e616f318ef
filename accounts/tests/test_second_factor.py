"""Approvers and admins have a second factor: without one the console stays shut but for setting it up."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.demo import CAST
from accounts.demo_codes import code_of
from accounts.models import ENROLMENT, Person
from audit.models import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def bare(approver):
    """An approver who has none yet."""
    Authenticator.objects.filter(user=approver).delete()
    return Person.objects.get(pk=approver.pk)


@pytest.fixture
def bare_client(bare):
    client = Client()
    client.force_login(bare)
    return client


def test_the_database_counts_it(approver):
    assert approver.second_factor

    Authenticator.objects.filter(user=approver, type="totp").delete()

    assert not Person.objects.get(pk=approver.pk).second_factor


def test_recovery_codes_alone_are_none(support):
    RecoveryCodes.activate(support)

    assert not Person.objects.get(pk=support.pk).second_factor


def test_nobody_writes_that_they_have_one(bare):
    with connection.cursor() as cursor:
        cursor.execute("update accounts_person set second_factor = true where id = %s", [bare.pk])

    assert not Person.objects.get(pk=bare.pk).second_factor


def test_without_it_nothing_may_be_done(bare, admin):
    Authenticator.objects.filter(user=admin).delete()

    assert bare.capabilities == {"public", "signed_in"}
    assert not Person.objects.get(pk=admin.pk).may("people")


def test_whom_no_role_obliges_needs_none(support, manager, auditor):
    for person in (support, manager, auditor):
        assert not person.second_factor
        assert person.may("read")


@pytest.mark.parametrize("path", ["/", "/adjustments/", "/anomalies/", "/people/", "/audit/"])
def test_every_page_leads_to_setting_it_up(bare_client, path):
    assert bare_client.get(path).url == ENROLMENT


def test_a_fragment_leads_there_too(bare_client):
    answer = bare_client.get("/adjustments/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, ENROLMENT)


def test_settings_and_signing_out_stay_open(bare_client):
    assert bare_client.get(reverse("preferences")).status_code == 200
    assert bare_client.get(reverse("account_logout")).status_code == 200


def test_signing_in_leads_there(bare):
    answer = Client().post(reverse("account_login"), {"login": bare.email, "password": CAST["approver"].password})

    assert answer.url == ENROLMENT


def test_the_last_one_is_not_taken_away(approver_client, approver):
    approver_client.post(reverse("account_reauthenticate"), {"password": CAST["approver"].password})

    answer = approver_client.post(reverse("mfa_deactivate_totp"))

    assert answer.status_code == 200
    assert "You cannot deactivate two-factor authentication." in answer.text
    assert Person.objects.get(pk=approver.pk).second_factor


# The log -------------------------------------------------------------------------------------------------------------


def test_a_wrong_code_is_recorded_without_the_code(asked_for_code, approver):
    asked_for_code.post(reverse("mfa_authenticate"), {"code": "000000"})

    entry = Entry.objects.get(action_type="second_factor_refused")
    assert (entry.actor_id, entry.outcome) == (approver.actor.id, "refused")
    assert "000000" not in str(entry.metadata)


def test_new_recovery_codes_are_recorded_without_the_codes(
    approver_client, approver, django_capture_on_commit_callbacks
):
    approver_client.post(reverse("account_reauthenticate"), {"password": CAST["approver"].password})

    with django_capture_on_commit_callbacks(execute=True):
        approver_client.post(reverse("mfa_generate_recovery_codes"))

    entry = Entry.objects.get(action_type="second_factor_made_anew")
    assert entry.metadata["factor"] == "recovery_codes"
    assert set(entry.metadata) == {"address", "factor"}


# The demo ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked_for_code(approver):
    """Signed in by password, and asked for the second factor."""
    client = Client()
    client.post(reverse("account_login"), {"login": approver.email, "password": CAST["approver"].password})
    return client


def test_the_demos_page_tells_the_code_that_signs_in(asked_for_code, settings):
    settings.DEMO, settings.MFA_TOTP_TOLERANCE = True, 1
    code = code_of(CAST["approver"])

    page = Client().get(reverse("demo_codes"))
    assert "Aiko Tanaka" in page.text
    assert asked_for_code.post(reverse("mfa_authenticate"), {"code": code}).url == "/"


def test_a_recovery_code_signs_in_once(asked_for_code, approver):
    codes = Authenticator.objects.get(user=approver, type="recovery_codes").wrap().get_unused_codes()

    assert asked_for_code.post(reverse("mfa_authenticate"), {"code": codes[0]}).status_code == 302


def test_outside_of_the_demo_there_is_no_such_page(client, settings):
    settings.DEMO = False

    assert client.get(reverse("demo_codes")).status_code == 404
