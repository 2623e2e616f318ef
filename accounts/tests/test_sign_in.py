import pytest
from allauth.account.adapter import get_adapter
from django.core import mail
from django.core.cache import cache
from django.test import Client

from accounts.demo import CAST
from accounts.demo_codes import code_of
from accounts.models import Person
from audit.models import Entry

pytestmark = pytest.mark.django_db

ADDRESS = "/accounts/login/"


@pytest.fixture(autouse=True)
def fresh_limits():
    cache.clear()


def sign_in(part="support", password=None, **extra):
    member = CAST[part]
    client = Client()
    return client, client.post(ADDRESS, {"login": member.email, "password": password or member.password, **extra})


def test_the_right_password_signs_in(support):
    client, answer = sign_in()

    assert answer.url == "/"
    assert client.get("/accounts/settings/").context["user"] == support


def test_capitals_in_the_address_do_not_matter(support):
    answer = Client().post(ADDRESS, {"login": CAST["support"].email.upper(), "password": CAST["support"].password})

    assert answer.status_code == 302


def test_an_admin_comes_to_people(admin, settings):
    settings.MFA_TOTP_TOLERANCE = 1
    client, asked = sign_in("admin")

    answer = client.post(asked.url, {"code": code_of(CAST["admin"])})

    assert answer.url == "/people/"


def test_one_is_led_back_to_where_one_was_going(support):
    assert sign_in(next="/anomalies/?state=open")[1].url == "/anomalies/?state=open"


def test_one_is_not_led_away(support):
    assert sign_in(next="https://evil.example/")[1].url == "/"


def test_a_sign_in_is_recorded(support):
    sign_in()

    entry = Entry.objects.get(action_type="signed_in")
    assert entry.actor_id == f"person:{support.pk}"
    assert entry.correlation_id


def test_a_wrong_password_is_refused(support):
    client, answer = sign_in(password="wrong")

    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session
    assert not Entry.objects.filter(action_type="signed_in").exists()


def test_after_five_wrong_passwords_the_right_one_is_refused_too(support):
    for _attempt in range(5):
        sign_in(password="wrong")

    client, answer = sign_in()

    assert "_auth_user_id" not in client.session
    assert "Wait five minutes" in answer.text


def test_failed_sign_ins_are_recorded_and_a_lock_out_once(support):
    for _attempt in range(8):
        sign_in(password="wrong")

    tried = Entry.objects.filter(action_type="sign_in_failed")
    assert tried.count() == 5
    assert {entry.target_id for entry in tried} == {str(support.pk)}
    assert Entry.objects.get(action_type="sign_in_locked").outcome == "refused"


def test_what_a_stranger_typed_is_not_kept(db):
    Client().post(ADDRESS, {"login": "my-password@once.example", "password": "sesame, open up"})

    entry = Entry.objects.get(action_type="sign_in_failed")
    assert (entry.target_id, entry.metadata["email"]) == ("", None)
    assert "once.example" not in entry.canonical
    assert "sesame" not in entry.canonical


def test_the_limit_is_shared_by_all_processes():
    assert cache.__class__.__name__ == "ConnectionProxy"
    assert type(cache._connections[cache._alias]).__name__ == "DatabaseCache"


def test_nobody_signs_up(rf):
    words = {"email": "e@billing.example", "password1": "long enough 4711", "password2": "long enough 4711"}

    Client().post("/accounts/signup/", words)

    assert not Person.objects.exists()
    assert not get_adapter().is_open_for_signup(rf.get("/"))


def test_a_disabled_person_cannot_sign_in(support, admin, second_admin):
    from accounts import changes
    from conftest import CAST_SINCE

    asked = changes.request(person=support, kind="disable", reason="r", by=admin, now=CAST_SINCE)
    changes.confirm(change=asked, by=second_admin, now=CAST_SINCE)

    client, _answer = sign_in()

    assert "_auth_user_id" not in client.session


def test_a_new_password_is_recorded(support, support_client):
    old, new = CAST["support"].password, "quite another 4711"

    support_client.post("/accounts/password/change/", {"oldpassword": old, "password1": new, "password2": new})

    assert Entry.objects.filter(action_type="password_changed").exists()
    assert sign_in(password=new)[1].status_code == 302


def test_a_forgotten_password_is_set_by_mail(support):
    Client().post("/accounts/password/reset/", {"email": support.email})

    assert mail.outbox[0].to == [support.email]


def test_a_stranger_gets_no_mail(db):
    Client().post("/accounts/password/reset/", {"email": "stranger@billing.example"})

    assert not mail.outbox


@pytest.mark.parametrize(
    "address",
    ["/accounts/sessions/", "/accounts/2fa/", "/accounts/password/change/", "/accounts/2fa/totp/activate/"],
)
def test_ones_own_sign_in_pages_are_there(support_client, address):
    answer = support_client.get(address, follow=True)

    assert answer.status_code == 200
