"""Switches in the browser: how each stands, flipping it, reviewing it; where rooms and boards show them."""

from datetime import timedelta

import pytest
import time_machine

from adjustments.switches import flipping
from adjustments.switches.models import Flip, Opinion, Review
from adjustments.tests.conftest import NOW
from systems import registry

WHY = "The supplier asked for it."


@pytest.fixture
def flipped(now, support):
    shop = registry.get("paperclips")
    asked = {"value": "on", "person": support, "reason": WHY, "now": now, "until": None}
    return flipping.flip(system=shop, switch=shop.switch("sale"), **asked)


def page(client, path="/switches/paperclips/sale/"):
    return client.get(path).content.decode()


def test_all_switches_stand_by_their_system(manager_client, flipped, at_work):
    shown = page(manager_client, "/switches/")

    for words in ("Paperclip shop", "Sale", "Price of a box", "Shutter", "On", "waits for a review"):
        assert words in shown


def test_flipping_takes_a_value_a_reason_and_maybe_an_until(support_client, support, at_work):
    said = {"value": "on", "reason": WHY, "until": (NOW + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M")}

    answer = support_client.post("/switches/paperclips/sale/flip/", said)

    flip = Flip.objects.get()
    assert answer.url == "/switches/paperclips/sale/"
    assert (flip.value, flip.flipped_by, flip.until) == ("on", support, NOW + timedelta(hours=2))
    assert "due" in page(support_client)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"value": "on", "reason": ""}, "Say why"),
        ({"value": "perhaps", "reason": WHY}, "Select a valid choice"),
        ({"value": "on", "reason": WHY, "until": "2020-01-01T00:00"}, "must lie ahead"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_flipped(support_client, at_work, said, sentence):
    answer = support_client.post("/switches/paperclips/sale/flip/", said)

    assert (answer.status_code, Flip.objects.count()) == (422, 0)
    assert sentence in answer.content.decode()


def test_a_free_value_is_checked_by_its_room(support_client, at_work):
    answer = support_client.post("/switches/paperclips/price/flip/", {"value": "12.5", "reason": WHY})

    assert "no value that this switch takes" in answer.content.decode()


def test_another_approver_confirms(support_client, approver_client, flipped, at_work):
    assert "another approver reviews it" in page(support_client)
    assert "set it to “On”" in page(approver_client)

    approver_client.post(f"/switches/flips/{flipped.pk}/review/", {"opinion": "confirm"})

    assert Review.objects.get().opinion == Opinion.CONFIRM


def test_or_objects_with_a_note_and_flips_it_back(approver_client, flipped, at_work):
    path = f"/switches/flips/{flipped.pk}/review/"
    assert approver_client.post(path, {"opinion": "object"}).status_code == 422

    approver_client.post(path, {"opinion": "object", "note": "Not in November.", "back": "on"})

    assert Flip.objects.get(returns=flipped).value == "off"
    assert "Not in November." in page(approver_client)


def test_ones_own_flip_is_not_reviewed(approver_client, approver, now, at_work):
    shop = registry.get("paperclips")
    own = flipping.flip(
        system=shop, switch=shop.switch("sale"), value="on", person=approver, reason=WHY, now=now, until=None
    )

    assert approver_client.post(f"/switches/flips/{own.pk}/review/", {"opinion": "confirm"}).status_code == 409
    assert not Review.objects.exists()


@pytest.mark.parametrize("part", ["manager_client", "auditor_client", "admin_client"])
def test_who_may_not_switch_does_not_flip(request, part):
    client = request.getfixturevalue(part)

    assert client.post("/switches/paperclips/sale/flip/", {"value": "on", "reason": WHY}).status_code == 403


def test_who_may_not_thaw_does_not_review(support_client, flipped):
    assert support_client.post(f"/switches/flips/{flipped.pk}/review/", {"opinion": "confirm"}).status_code == 403


def test_an_overdue_review_is_critical_on_the_page_and_the_board(manager_client, flipped):
    with time_machine.travel(NOW + timedelta(days=1, minutes=1), tick=False):
        assert "Nobody has reviewed in a day" in page(manager_client)
        assert "1 review is overdue" in page(manager_client, "/")


def test_a_room_shows_the_switches_of_its_system(manager_client, flipped, at_work):
    assert "Price of a box" in page(manager_client, "/switches/for/paperclips/")
    assert "Price of a box" in page(manager_client, "/health/paperclips/")
    assert page(manager_client, "/switches/for/imagegen/").strip() == ""
    assert manager_client.get("/switches/for/nowhere/").status_code == 404


@pytest.mark.parametrize("path", ["/switches/paperclips/nothing/", "/switches/nowhere/sale/"])
def test_what_there_is_not_is_not_found(manager_client, path):
    assert manager_client.get(path).status_code == 404
