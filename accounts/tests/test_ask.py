import pytest
from django.urls import reverse

from accounts.models import PersonChange

pytestmark = pytest.mark.django_db

ASKED = {"what": "grant:auditor", "reason": "New duties."}


@pytest.fixture
def address(manager):
    return reverse("people:ask", args=[manager.pk])


def test_a_change_is_asked(admin_client, address, manager, admin):
    answer = admin_client.post(address, ASKED)

    assert answer.url == reverse("people:person", args=[manager.pk])
    change = PersonChange.objects.pending().get()
    assert (change.kind, change.roles, change.requested_by) == ("grant", ["auditor"], admin)


def test_a_person_can_be_asked_to_be_disabled(admin_client, address):
    admin_client.post(address, {"what": "disable", "reason": "Left."})

    assert PersonChange.objects.pending().get().kind == "disable"


def test_reading_asks_nothing(admin_client, address):
    assert admin_client.get(address).status_code == 405


@pytest.mark.parametrize("who", ["support", "approver", "manager", "auditor"])
def test_only_admins_ask(who, address, request):
    assert request.getfixturevalue(f"{who}_client").post(address, ASKED).status_code == 403
    assert not PersonChange.objects.pending().exists()


def test_asking_twice_is_told_calmly(admin_client, address):
    admin_client.post(address, ASKED)

    answer = admin_client.post(address, ASKED)

    assert answer.status_code == 422
    assert "already waits" in answer.text
    assert PersonChange.objects.pending().count() == 1


@pytest.mark.parametrize("what", ["", "grant:manager", "grant:emperor", "enable", "nonsense"])
def test_what_is_not_offered_cannot_be_asked(admin_client, address, what):
    answer = admin_client.post(address, {"what": what, "reason": "Left us."})

    assert answer.status_code == 422
    assert not PersonChange.objects.pending().exists()


def test_a_change_needs_a_reason_and_the_choice_is_kept(admin_client, address):
    answer = admin_client.post(address, {"what": "disable", "reason": " "})

    assert answer.status_code == 422
    assert '<option value="disable" selected>' in answer.text
