"""Confirm, refuse and withdraw, as pages: the same questions of each."""

import pytest
from django.urls import reverse

from accounts import changes
from accounts.models import Kind, Person, PersonChange, State
from conftest import CAST_SINCE

pytestmark = pytest.mark.django_db

VERBS = {"confirm": State.CONFIRMED, "refuse": State.REFUSED, "withdraw": State.WITHDRAWN}
REASON = {"reason": "Not her."}


@pytest.fixture
def change(admin, manager):
    return changes.request(person=manager, kind=Kind.GRANT, roles=["auditor"], reason="r", by=admin, now=CAST_SINCE)


@pytest.fixture
def deciding_client(admin_client, second_admin_client):
    """Who asked withdraws; the other admin confirms and refuses."""
    return {"confirm": second_admin_client, "refuse": second_admin_client, "withdraw": admin_client}


def address(verb, change):
    return reverse(f"people:{verb}", args=[change.pk])


def state(change):
    return PersonChange.objects.get(pk=change.pk).state


@pytest.mark.parametrize("verb", VERBS)
def test_it_is_decided(verb, change, deciding_client):
    answer = deciding_client[verb].post(address(verb, change), REASON)

    assert answer.url == "/people/"
    assert state(change) == VERBS[verb]


def test_confirming_makes_it_happen(change, second_admin_client, manager):
    second_admin_client.post(address("confirm", change))

    assert Person.objects.get(pk=manager.pk).roles == {"manager", "auditor"}


@pytest.mark.parametrize("verb", VERBS)
def test_reading_decides_nothing(verb, change, deciding_client):
    assert deciding_client[verb].get(address(verb, change)).status_code == 405
    assert state(change) == State.PENDING


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("who", ["support", "approver", "manager", "auditor"])
def test_others_decide_nothing(verb, who, change, request):
    answer = request.getfixturevalue(f"{who}_client").post(address(verb, change), REASON)

    assert answer.status_code == 403
    assert state(change) == State.PENDING


@pytest.mark.parametrize("verb", ["confirm", "refuse"])
def test_who_asked_does_not_decide(verb, change, admin_client):
    answer = admin_client.post(address(verb, change), REASON, follow=True)

    assert state(change) == State.PENDING
    assert "another admin" in answer.text


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_decided_already_stays_and_says_who(verb, change, deciding_client, second_admin):
    changes.confirm(change=change, by=second_admin, now=CAST_SINCE)

    answer = deciding_client[verb].post(address(verb, change), REASON, follow=True)

    assert "Somebody was faster: Oliver Grant" in answer.text
    assert state(change) == State.CONFIRMED


def test_a_refusal_needs_a_reason(change, second_admin_client):
    answer = second_admin_client.post(address("refuse", change), {"reason": ""}, follow=True)

    assert "needs a reason" in answer.text
    assert state(change) == State.PENDING


def test_the_reason_of_a_refusal_can_be_read(change, second_admin_client):
    answer = second_admin_client.post(address("refuse", change), {"reason": "\u200b\u200b\u200b"}, follow=True)

    assert "cannot be seen (U+200B)" in answer.text
    assert state(change) == State.PENDING


@pytest.mark.parametrize("verb", VERBS)
def test_the_fragment_is_the_board_as_it_is_now(verb, change, deciding_client):
    answer = deciding_client[verb].post(address(verb, change), REASON, headers={"HX-Request": "true"})

    assert 'id="board"' in answer.text
    assert 'id="waiting"' not in answer.text
    assert "<html" not in answer.text


def test_the_form_leads_back_to_the_page_it_stood_on(change, second_admin_client, manager):
    page = reverse("people:person", args=[manager.pk])

    assert second_admin_client.post(address("confirm", change), {"next": page}).url == page


def test_the_board_offers_each_admin_what_they_may(change, admin_client, second_admin_client):
    assert address("withdraw", change) in admin_client.get("/people/").text
    assert address("confirm", change) not in admin_client.get("/people/").text
    assert address("confirm", change) in second_admin_client.get("/people/").text
    assert address("refuse", change) in second_admin_client.get("/people/").text


def test_the_person_concerned_is_offered_nothing(admin, second_admin, second_admin_client):
    about_me = changes.request(
        person=second_admin, kind="grant", roles=["manager"], reason="r", by=admin, now=CAST_SINCE
    )

    page = second_admin_client.get("/people/").text

    assert address("confirm", about_me) not in page
    assert "It is about you" in page


def test_the_navigation_counts_what_waits(change, admin_client):
    assert '<span class="count">1</span>' in admin_client.get("/people/invite/").text
