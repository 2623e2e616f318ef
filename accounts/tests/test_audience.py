"""The middleware: every view has an audience, and nobody else sees it."""

import logging

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from django.views.decorators.http import require_GET

from accounts.middleware import audience_of
from billingadmin.audience import audience
from billingadmin.urls import handler403  # noqa: F401 - as a part of these URLs
from billingadmin.urls import urlpatterns as real


@require_GET
@audience("decide", "thaw")
def for_approvers(request):
    return HttpResponse("in")


@audience("signed_in")
def for_everybody_here(request):
    return HttpResponse("in")


@audience("public")
def for_the_world(request):
    return HttpResponse("in")


@audience("decide", "read")
def for_readers_too(request):
    return HttpResponse("in")


def forgotten(request):
    return HttpResponse("in")


urlpatterns = [
    path("", for_approvers),
    path("approvers/", for_approvers),
    path("readers/", for_readers_too),
    path("here/", for_everybody_here),
    path("world/", for_the_world),
    path("forgotten/", forgotten),
    *real,
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def test_who_is_in_the_audience_gets_in(approver_client):
    assert approver_client.get("/approvers/").content == b"in"


def test_one_of_the_capabilities_is_enough(manager_client):
    assert manager_client.get("/readers/").content == b"in"


@pytest.mark.parametrize("who", ["support", "manager", "auditor", "admin"])
def test_others_are_refused_and_told_who_may(who, request):
    answer = request.getfixturevalue(f"{who}_client").get("/approvers/")

    assert answer.status_code == 403
    assert "This opens for: approver." in answer.text


def test_a_stranger_is_asked_to_sign_in_and_led_back():
    answer = Client().get("/approvers/?page=2")

    assert answer.status_code == 302
    assert answer.url == "/accounts/login/?next=/approvers/%3Fpage%3D2"


def test_a_stranger_who_posts_is_not_led_back_to_the_post():
    assert Client().post("/approvers/").url == "/accounts/login/?next=/"


def test_a_fragment_sends_the_whole_page_to_sign_in():
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/anomalies/?state=open"}

    answer = Client().get("/approvers/", headers=headers)

    assert answer.status_code == 204
    assert answer["HX-Redirect"] == "/accounts/login/?next=/anomalies/%3Fstate%3Dopen"


def test_ones_own_pages_need_no_role(admin_client):
    assert admin_client.get("/here/").status_code == 200


def test_the_world_needs_no_sign_in():
    assert Client().get("/world/").status_code == 200


def test_a_view_that_names_no_audience_is_refused_to_everybody(approver_client, caplog):
    with caplog.at_level(logging.ERROR, "accounts.middleware"):
        answer = approver_client.get("/forgotten/")

    assert answer.status_code == 403
    assert "forgotten names no audience" in caplog.text


@pytest.mark.parametrize("address", ["/accounts/signup/", "/accounts/email/", "/accounts/confirm-email/"])
def test_what_we_do_not_offer_is_closed(address, admin_client):
    assert admin_client.get(address).status_code == 403


def test_a_role_that_was_taken_away_is_gone_with_the_next_request(approver, approver_client, admin, second_admin):
    from accounts import changes
    from conftest import CAST_SINCE

    asked = changes.request(person=approver, kind="revoke", roles=["approver"], reason="r", by=admin, now=CAST_SINCE)
    changes.confirm(change=asked, by=second_admin, now=CAST_SINCE)

    assert approver_client.get("/approvers/").status_code == 403


def test_a_disabled_person_is_signed_out(approver, approver_client, admin, second_admin):
    from accounts import changes
    from conftest import CAST_SINCE

    asked = changes.request(person=approver, kind="disable", reason="r", by=admin, now=CAST_SINCE)
    changes.confirm(change=asked, by=second_admin, now=CAST_SINCE)

    assert approver_client.get("/approvers/").status_code == 302


def test_who_may_not_see_the_first_page_comes_to_ones_own(admin_client):
    assert admin_client.get("/").url == "/people/"


def test_the_mark_survives_other_decorators():
    assert audience_of(for_approvers) == ("decide", "thaw")
