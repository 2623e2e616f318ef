"""Signing in through the directory, against a provider that really answers over HTTP."""

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from accounts.demo import CAST
from accounts.memberships import group_roles
from accounts.models import Membership, Person
from accounts.tests.provider import CLIENT, SECRET, Provider
from audit.models import Entry
from billingadmin import single_sign_on
from conftest import CAST_SINCE

pytestmark = pytest.mark.django_db
DOOR = "/accounts/oidc/oidc/login/?process=login"


@pytest.fixture
def provider(settings):
    started = Provider()
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": single_sign_on.provider(started.url, CLIENT, SECRET, name="The House")
    }
    settings.OIDC_GROUP_ROLES = ["billing-managers=manager", "billing-auditors=auditor", "billing-admins=admin"]
    started.says(email=CAST["support"].email)
    yield started
    started.close()


def sign_in(provider, client=None):
    client = client or Client()
    return client, client.get(provider.sign_in(client.post(DOOR).url))


def is_in(client):
    return "_auth_user_id" in client.session


def test_who_has_a_confirmed_address_here_signs_in(provider, support):
    client, answer = sign_in(provider)

    assert answer.url == "/"
    assert client.session["_auth_user_id"] == str(support.pk)
    assert provider.asked[-2:] == ["/token", "/userinfo"]


def test_who_came_and_what_the_directory_said_is_recorded(provider, support):
    provider.says(groups=["billing-managers", "chess"])
    sign_in(provider)

    word = Entry.objects.get(action_type="directory_said")
    assert word.metadata["after"] == {"groups": ["billing-managers", "chess"], "roles": ["manager"]}
    assert Entry.objects.get(action_type="signed_in").metadata["by"] == "directory"


def test_the_directory_alone_grants_nothing(provider, support):
    provider.says(groups=["billing-managers"])
    sign_in(provider)

    assert Person.objects.get(pk=support.pk).roles == {"support"}
    assert Membership.objects.get(person=support).roles == ["manager"]


def test_the_subject_is_kept_and_finds_the_person_under_a_new_address(provider, support):
    sign_in(provider)
    provider.says(email="another@billing.example")

    client, _answer = sign_in(provider)

    assert client.session["_auth_user_id"] == str(support.pk)
    kept = SocialAccount.objects.get(user=support)
    assert (kept.uid, kept.extra_data) == ("s-1", {})


def test_the_next_owner_of_an_address_is_not_taken_for_the_first(provider, support):
    sign_in(provider)
    provider.says(sub="s-2")

    client, answer = sign_in(provider)

    assert answer.status_code == 403
    assert not is_in(client)


@pytest.mark.parametrize("word", [False, "false", None, "no"])
def test_an_address_that_the_directory_does_not_vouch_for_finds_nobody(provider, support, word):
    provider.says(email_verified=word)

    client, answer = sign_in(provider)

    assert "does not vouch for your e-mail address" in answer.text
    assert not is_in(client)


def test_a_forged_state_is_refused(provider, support):
    client = Client()
    back = provider.sign_in(client.post(DOOR).url)

    answer = client.get(back.replace("state=", "state=x"))

    assert answer.status_code == 401
    assert not is_in(client)
    assert Entry.objects.filter(action_type="directory_sign_in_refused").count() == 1


def test_an_answer_in_another_browser_is_refused(provider, support):
    back = provider.sign_in(Client().post(DOOR).url)
    other = Client()

    assert other.get(back).status_code == 401
    assert not is_in(other)


@pytest.mark.parametrize(
    "token",
    [{"aud": "another-console"}, {"exp": 1_000_000_000}, {"iss": "http://127.0.0.1:1"}],
    ids=["audience", "expired", "issuer"],
)
def test_a_token_for_somebody_else_is_refused(provider, support, token):
    provider.token = token

    client, answer = sign_in(provider)

    assert answer.status_code == 401
    assert not is_in(client)


def test_a_token_about_somebody_else_is_refused(provider, support):
    provider.token = {"sub": "s-9"}

    client, answer = sign_in(provider)

    assert "contradicts itself" in answer.text
    assert not is_in(client)


def test_a_stolen_code_is_of_no_use_without_its_verifier(provider, support):
    client = Client()
    back = provider.sign_in(client.post(DOOR).url)
    for wanted in provider.codes.values():
        wanted["code_challenge"] = "of another browser"

    assert client.get(back).status_code == 401


@pytest.mark.parametrize("groups", [[], ["chess"]])
def test_a_stranger_of_no_group_of_ours_gets_a_sentence(provider, admin, groups):
    provider.says(email="stranger@billing.example", groups=groups)

    client, answer = sign_in(provider)

    assert "none of the groups" in answer.text
    assert not is_in(client)
    assert not Person.objects.filter(email="stranger@billing.example").exists()


def test_a_directory_that_tells_no_groups_lets_nobody_in_and_takes_nothing(provider, support):
    del provider.person["groups"]

    client, answer = sign_in(provider)

    assert "did not say in which groups" in answer.text
    assert not is_in(client)
    assert not Membership.objects.exists()


def test_only_addresses_of_the_house_come_in(provider, support, settings):
    settings.OIDC_EMAIL_DOMAINS = ["other.example"]

    client, answer = sign_in(provider)

    assert "addresses of this house" in answer.text
    assert not is_in(client)


def test_nobody_joins_the_directory_to_an_account_by_hand(provider, support_client):
    address = support_client.post(DOOR.replace("process=login", "process=connect")).url

    answer = support_client.get(provider.sign_in(address))

    assert answer.status_code == 403
    assert not SocialAccount.objects.exists()


def test_without_the_provider_there_is_a_clear_page_and_the_password_works(provider, support):
    provider.close()
    answer = Client().post(DOOR)

    assert answer.status_code == 503
    assert "did not answer" in answer.text
    client = Client()
    client.post("/accounts/login/", {"login": support.email, "password": CAST["support"].password})
    assert is_in(client)


def with_password(part):
    client = Client()
    member = CAST[part]
    return client, client.post("/accounts/login/", {"login": member.email, "password": member.password})


def test_who_belongs_to_the_directory_has_no_other_door(provider, support):
    sign_in(provider)

    client, answer = with_password("support")

    assert "sign in through it" in answer.text
    assert not is_in(client)
    assert Entry.objects.newest_first().first().metadata["cause"] == "password"


def test_an_admin_keeps_the_password_for_when_the_directory_is_wrong(provider, admin):
    provider.says(email=admin.email)
    sign_in(provider)

    assert with_password("admin")[1].url == "/accounts/2fa/authenticate/"


def test_the_second_factor_is_asked_for_after_the_directory_too(provider, admin):
    provider.says(email=admin.email)

    client, answer = sign_in(provider)

    assert answer.url == "/accounts/2fa/authenticate/"
    assert not is_in(client)


def test_the_password_opens_again_when_the_directory_is_off(provider, support, settings):
    sign_in(provider)
    settings.SOCIALACCOUNT_PROVIDERS = {}
    client = Client()

    client.post("/accounts/login/", {"login": support.email, "password": CAST["support"].password})

    assert is_in(client)


def test_what_the_directory_says_stands_beside_what_is_granted(provider, support, second_admin_client):
    provider.says(groups=["billing-managers", "chess"])
    sign_in(provider)

    board, page = (second_admin_client.get(path).text for path in ("/people/", f"/people/{support.pk}/"))

    assert "directory: manager" in board
    assert "billing-managers, chess" in page
    assert "taken out of one of these groups" not in page


def test_groups_that_nobody_may_hold_together_are_told(provider, support, second_admin_client):
    Membership.objects.create(person=support, groups=["a", "b"], roles=["admin", "approver"], said_at=CAST_SINCE)

    assert "taken out of one of these groups" in second_admin_client.get(f"/people/{support.pk}/").text


def test_the_sign_in_page_names_the_provider(provider):
    assert "Sign in with The House" in Client().get("/accounts/login/").text


def test_without_the_variables_there_is_no_door(db):
    assert "Sign in with" not in Client().get("/accounts/login/").text.replace("Sign in with a passkey", "")
    assert Client().post(DOOR).status_code == 404


def test_what_a_group_means_is_read(db):
    assert group_roles(["billing-approvers=approver", " a=b = admin "]) == {
        "billing-approvers": "approver",
        "a=b": "admin",
    }


@pytest.mark.parametrize("entry", ["billing=king", "billing", "=admin"])
def test_a_role_that_nobody_knows_is_told_at_the_start(entry):
    with pytest.raises(ImproperlyConfigured, match="OIDC_GROUP_ROLES"):
        group_roles([entry])


def test_a_directory_set_in_part_is_told_at_the_start(monkeypatch):
    monkeypatch.setenv("OIDC_SERVER_URL", "https://login.example")

    with pytest.raises(ImproperlyConfigured, match="OIDC_CLIENT_ID, OIDC_CLIENT_SECRET"):
        single_sign_on.providers()


@pytest.mark.parametrize("url", ["http://login.example", "http://127.0.0.1.example", "login.example"])
def test_a_directory_in_the_clear_is_refused(url):
    with pytest.raises(ImproperlyConfigured, match="https"):
        single_sign_on.refuse_in_the_clear(url)
