import pytest
from django.test import Client

from accounts.models import Person

pytestmark = pytest.mark.django_db

ADDRESS = "/accounts/settings/"
TOKYO = {"zone": "Asia/Tokyo", "language": "ja", "theme": "dark"}


def test_everybody_sets_their_own(manager_client, manager, support):
    answer = manager_client.post(ADDRESS, TOKYO)

    assert answer.url == ADDRESS
    mine, theirs = Person.objects.get(pk=manager.pk), Person.objects.get(pk=support.pk)
    assert (mine.zone, mine.language, mine.theme) == ("Asia/Tokyo", "ja", "dark")
    assert theirs.language == "en"


def test_the_next_page_follows(manager_client):
    manager_client.post(ADDRESS, TOKYO)

    page = manager_client.get(ADDRESS).text

    assert '<html lang="ja" data-theme="dark"' in page


@pytest.mark.parametrize(
    "wrong", [{"zone": "Mars/Olympus"}, {"language": "xx"}, {"theme": "pink"}, {"zone": "../etc/passwd"}]
)
def test_what_is_not_offered_comes_back(manager_client, manager, wrong):
    answer = manager_client.post(ADDRESS, {**TOKYO, **wrong})

    assert answer.status_code == 422
    assert Person.objects.get(pk=manager.pk).theme == "auto"


def test_a_person_without_a_role_has_settings(admin, second_admin, client):
    from accounts import changes
    from conftest import CAST_SINCE

    asked = changes.invite(email="e@billing.example", name="E", roles=["manager"], reason="r", by=admin, now=CAST_SINCE)
    person = changes.confirm(change=asked, by=second_admin, now=CAST_SINCE).person
    taken = changes.request(person=person, kind="revoke", roles=["manager"], reason="r", by=admin, now=CAST_SINCE)
    changes.confirm(change=taken, by=second_admin, now=CAST_SINCE)
    client.force_login(person)

    assert client.get(ADDRESS).status_code == 200
    assert Person.objects.get(pk=person.pk).home == ADDRESS


def test_a_stranger_has_none():
    assert Client().get(ADDRESS).status_code == 302


def test_other_methods_are_refused(manager_client):
    assert manager_client.put(ADDRESS).status_code == 405
