"""The pages: who is here, one person, and adding one."""

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import changes
from accounts.models import Kind, Person, PersonChange
from conftest import CAST_SINCE

pytestmark = pytest.mark.django_db

NEW = {"name": "Eve Adams", "email": "Eve@Billing.example", "roles": ["support"], "reason": "Hired in May."}


def test_an_admin_sees_everybody_with_their_roles(admin_client, support, manager):
    answer = admin_client.get("/people/")

    assert answer.status_code == 200
    assert [person.email for person in answer.context["people"]][:1]
    for person in (support, manager):
        assert person.name in answer.text


@pytest.mark.parametrize("who", ["support", "approver", "manager", "auditor"])
@pytest.mark.parametrize("address", ["/people/", "/people/invite/", "/people/1/"])
def test_nobody_else_sees_people(who, address, request):
    assert request.getfixturevalue(f"{who}_client").get(address).status_code == 403


def test_the_board_comes_as_a_fragment(admin_client, support):
    answer = admin_client.get("/people/", headers={"HX-Request": "true"})

    assert "<html" not in answer.text
    assert support.name in answer.text
    assert "HX-Request" in answer["Vary"]


def test_the_board_takes_the_same_queries_for_more_people(admin_client, request, django_assert_num_queries):
    with CaptureQueriesContext(connection) as few:
        admin_client.get("/people/")
    for part in ("support", "manager", "approver", "auditor"):
        request.getfixturevalue(part)

    with django_assert_num_queries(len(few)):
        admin_client.get("/people/")
    assert len(few) <= 12


def test_a_person_page_shows_roles_history_and_what_can_be_asked(admin_client, support):
    answer = admin_client.get(reverse("people:person", args=[support.pk]))

    offered = dict(answer.context["form"].fields["what"].choices)
    assert "Person admission confirmed" in answer.text
    assert {"grant:approver", "revoke:support", "disable"} <= set(offered)
    assert "grant:admin" not in offered


def test_somebody_who_is_not_here_is_not_found(admin_client):
    assert admin_client.get("/people/999999/").status_code == 404


def test_adding_somebody_asks_for_confirmation(admin_client):
    answer = admin_client.post("/people/invite/", NEW)

    assert answer.url == "/people/"
    change = PersonChange.objects.get(kind=Kind.ADMIT, person__email="eve@billing.example")
    assert (change.roles, change.reason, change.person.is_active) == (["support"], "Hired in May.", False)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"email": "eve"}, "Enter a valid email address."),
        ({"name": " "}, "This field is required."),
        ({"reason": ""}, "This field is required."),
        ({"reason": "\u200bHired."}, "It begins with a character that cannot be seen"),
        ({"roles": []}, "This field is required."),
        ({"roles": ["admin", "approver"]}, "Nobody holds admin together"),
        ({"roles": ["emperor"]}, "Select a valid choice"),
        ({"email": "chihiro.mori@billing.example"}, "is here already"),
    ],
)
def test_a_form_with_bad_values_comes_back_with_them(admin_client, wrong, sentence):
    answer = admin_client.post("/people/invite/", {**NEW, **wrong})

    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="Eve Adams"' in answer.text or wrong.get("name") == " "
    assert not Person.objects.filter(email="eve@billing.example").exists()


def test_who_was_admitted_gets_the_link_and_sets_a_password(admin_client, second_admin_client, client):
    admin_client.post("/people/invite/", NEW)
    change = PersonChange.objects.get(person__email="eve@billing.example")

    second_admin_client.post(reverse("people:confirm", args=[change.pk]))

    (message,) = mail.outbox
    assert message.to == ["eve@billing.example"]
    link = next(word for word in message.body.split() if word.startswith("http"))
    form_address = client.get(link).url
    done = client.post(form_address, {"password1": "long enough 4711", "password2": "long enough 4711"})
    assert done.status_code == 302
    signed_in = client.post("/accounts/login/", {"login": "eve@billing.example", "password": "long enough 4711"})
    assert signed_in.url == "/"


def test_the_link_is_not_shown_to_the_admins(admin_client, second_admin_client):
    admin_client.post("/people/invite/", NEW)
    change = PersonChange.objects.get(person__email="eve@billing.example")

    answer = second_admin_client.post(reverse("people:confirm", args=[change.pk]), follow=True)

    assert "password/reset/key" not in answer.text


def test_a_change_is_told_in_words(admin, manager):
    def words(kind, *roles):
        return str(PersonChange(person=manager, kind=kind, roles=list(roles)))

    assert words("grant", "auditor", "support") == "Make María López auditor, support"
    assert words("disable") == "Disable María López"


def test_the_page_of_a_disabled_person_offers_to_enable(admin, second_admin, admin_client, manager):
    change = changes.request(person=manager, kind="disable", reason="r", by=admin, now=CAST_SINCE)
    changes.confirm(change=change, by=second_admin, now=CAST_SINCE)

    answer = admin_client.get(reverse("people:person", args=[manager.pk]))

    assert "enable" in dict(answer.context["form"].fields["what"].choices)
