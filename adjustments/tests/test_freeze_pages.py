"""Freezing in the browser: what it would hold, what waits, which deadlines break, and letting go on."""

from datetime import timedelta

import pytest
from django.urls import reverse

from adjustments.freezes import freezing, panels
from adjustments.freezes.models import Freeze, Scope, Thaw
from health.probing import Clock
from systems import registry
from systems.base import Level

WHY = "The prices look wrong."


@pytest.fixture
def frozen(now, support):
    return freezing.freeze(scope=Scope(system="paperclips"), person=support, reason=WHY, now=now)


@pytest.fixture
def asked(frozen, approver, now):
    return freezing.ask(freeze=frozen, person=approver, reason="They are right again.", now=now)


def test_before_freezing_it_shows_what_would_wait_and_what_would_break(support_client, pending, at_work):
    page = support_client.get("/freezes/new/?what=paperclips:book_payment").content.decode()

    assert "Paperclip shop: Book the missing payment" in page
    assert f"#{pending.number}" in page
    assert "+500" in page
    assert "approve by" in page


@pytest.mark.parametrize(
    ("asked_for", "sentence"),
    [
        ({"amount": "500"}, "Choose the system"),
        ({"what": "paperclips", "amount": "lots"}, "is not a number"),
        ({"what": "nowhere"}, "Select a valid choice"),
    ],
)
def test_a_scope_that_cannot_be_understood_is_said_and_not_frozen(support_client, asked_for, sentence):
    page = support_client.get("/freezes/new/", asked_for).content.decode()

    assert sentence in page
    assert "Freeze now</button>" not in page
    assert support_client.post("/freezes/new/", asked_for | {"reason": WHY}).status_code == 422
    assert not Freeze.objects.exists()


def test_freezing_takes_one_press_and_a_reason(support_client, support, at_work):
    said = {"what": "paperclips", "customer": "", "amount": "1,000", "reason": WHY}

    answer = support_client.post("/freezes/new/", said)

    frozen = Freeze.objects.get()
    assert answer.url == frozen.get_absolute_url()
    assert (frozen.scope, frozen.frozen_by) == (Scope(system="paperclips", from_amount=1000, unit="JPY"), support)


def test_without_a_reason_nothing_is_frozen(support_client):
    assert support_client.post("/freezes/new/", {"what": ""}).status_code == 422

    assert not Freeze.objects.exists()


def test_what_is_frozen_already_is_said(support_client, frozen, support):
    answer = support_client.post("/freezes/new/", {"what": "paperclips", "reason": WHY})

    assert answer.status_code == 409
    assert f"{support.name} has frozen exactly this already" in answer.content.decode()


@pytest.mark.parametrize("part", ["manager_client", "auditor_client", "admin_client"])
def test_who_may_not_switch_cannot_freeze(request, part):
    assert request.getfixturevalue(part).post("/freezes/new/", {"reason": WHY}).status_code == 403


def test_every_request_concerned_says_so_and_offers_no_approval(approver_client, pending, frozen, at_work):
    page = approver_client.get(pending.get_absolute_url()).content.decode()
    deciding = approver_client.get(reverse("adjustments:decide", args=[pending.pk])).content.decode()

    for text in (page, deciding):
        assert WHY in text
        assert "neither approved nor posted" in text
    assert 'class="primary">Approve' not in deciding
    assert reverse("adjustments:reject", args=[pending.pk]) in deciding


def test_the_list_marks_what_is_frozen(approver_client, pending, frozen, at_work):
    page = approver_client.get("/adjustments/?tab=pending").content.decode()

    assert 'data-state="frozen"' in page


def test_every_page_says_what_is_frozen(manager_client, frozen, at_work):
    page = manager_client.get("/adjustments/?tab=all").content.decode()

    assert 'id="frozen"' in page
    assert frozen.get_absolute_url() in page


def test_the_pages_show_what_waits_and_who_asked(manager_client, pending, asked, approver, at_work):
    for path in ("/freezes/", asked.freeze.get_absolute_url()):
        page = manager_client.get(path).content.decode()
        assert f"{approver.name} asks to lift it" in page
        assert WHY in page


def test_two_approvers_lift_it(approver_client, second_approver_client, frozen, at_work):
    path = frozen.get_absolute_url()
    approver_client.post(f"{path}ask/", {"reason": "They are right again."})
    thaw = Thaw.objects.get()

    own = approver_client.post(f"{path}thaws/{thaw.pk}/confirm/")
    frozen.refresh_from_db()
    assert (own.status_code, frozen.is_active) == (409, True)

    second_approver_client.post(f"{path}thaws/{thaw.pk}/confirm/")
    frozen.refresh_from_db()
    assert not frozen.is_active
    assert "Lifted" in second_approver_client.get(path).content.decode()


def test_an_asking_is_refused_with_a_reason_or_withdrawn(approver_client, second_approver_client, asked, at_work):
    path = f"{asked.freeze.get_absolute_url()}thaws/{asked.pk}"

    assert second_approver_client.post(f"{path}/refuse/", {"reason": ""}).status_code == 422
    assert second_approver_client.post(f"{path}/refuse/", {"reason": "Not yet."}).status_code == 302
    assert approver_client.post(f"{path}/withdraw/").status_code == 409


@pytest.mark.parametrize("verb", ["ask", "thaws/1/confirm", "thaws/1/refuse", "thaws/1/withdraw"])
def test_who_may_not_thaw_cannot(support_client, frozen, verb):
    assert support_client.post(f"{frozen.get_absolute_url()}{verb}/", {"reason": "Please."}).status_code == 403


def test_the_board_and_the_reading_tell_what_is_held_and_when_it_breaks(pending, frozen, now):
    [held, breaks] = panels.figures(now)["paperclips"]
    assert (held["value"], held["level"], breaks["at"]) == ("1", "warning", pending.approve_by)
    assert "imagegen" not in panels.figures(now)

    [probe] = panels.probes(registry.get("paperclips"))
    assert probe.measure(Clock(now)).level == Level.WARNING
    assert probe.measure(Clock(pending.approve_by - timedelta(hours=1))).level == Level.CRITICAL


def test_where_nothing_is_frozen_nothing_is_said(manager_client, now):
    assert not panels.figures(now)
    assert panels.probes(registry.get("paperclips"))[0].measure(Clock(now)).level == Level.OK
    assert 'id="frozen"' not in manager_client.get("/adjustments/").content.decode()
