"""The policy on the screen: who sees it, who asks, who confirms, and what each is told."""

import pytest

from adjustments.policies.models import PolicyChange, PolicyRule
from adjustments.policy import policy_for
from billingadmin.tests.browsing import WINDOWS, look

pytestmark = pytest.mark.django_db

URL = "/policy/"
ASKED = {
    "what": "paperclips:book_payment",
    "from_amount": "1,000",
    "approvals": "2",
    "approve_within": "48",
    "apply_within": "24",
    "notice": "2",
    "total_cap": "20,000",
    "reason_length": "10",
    "reason": "Large payments take two.",
}


def holding(amount):
    return policy_for(system="paperclips", correction="book_payment", amount=amount)


@pytest.fixture
def asked(admin_client, approver, second_approver):
    assert admin_client.post(f"{URL}add/", ASKED).status_code == 302
    return PolicyChange.objects.get()


@pytest.mark.parametrize("client", ["support_client", "approver_client", "manager_client", "auditor_client"])
def test_who_reads_the_trade_reads_the_policy_and_changes_nothing(client, asked, request):
    client = request.getfixturevalue(client)
    page = client.get(URL).text

    assert "Everything else" in page
    assert "Add a rule" not in page
    assert "An admin decides." in page
    assert client.post(f"{URL}changes/{asked.pk}/confirm/").status_code == 403
    assert client.get(f"{URL}add/").status_code == 403


def test_one_admin_asks_and_another_confirms(asked, admin_client, second_admin_client):
    mine = admin_client.get(URL).text
    assert "Withdraw" in mine
    assert ">Confirm<" not in mine

    answer = second_admin_client.post(f"{URL}changes/{asked.pk}/confirm/", follow=True)

    assert "it holds from now on" in answer.text
    assert (holding(999).approvals, holding(1_000).approvals, holding(1_000).total_cap) == (1, 2, 20_000)


def test_who_asked_cannot_confirm_by_sending_it_anyway(asked, admin_client):
    answer = admin_client.post(f"{URL}changes/{asked.pk}/confirm/", follow=True)

    assert "confirmed by another admin" in answer.text
    assert holding(1_000).version == "house-1"


def test_it_says_how_many_requests_begin_anew(
    at_work, pending, admin_client, second_admin_client, approver, second_approver
):
    admin_client.post(f"{URL}add/", {**ASKED, "from_amount": "500"})

    assert "1 waiting request begins anew" in second_admin_client.get(URL).text
    told = second_admin_client.post(f"{URL}changes/{PolicyChange.objects.get().pk}/confirm/", follow=True)
    assert "1 waiting request begins anew" in told.text
    pending.refresh_from_db()
    assert pending.revision == 2


def test_a_refusal_says_why(asked, second_admin_client):
    url = f"{URL}changes/{asked.pk}/refuse/"
    assert "Say why" in second_admin_client.post(url, {"reason": ""}, follow=True).text

    second_admin_client.post(url, {"reason": "Two are too many."})

    assert "Two are too many." in second_admin_client.get(URL).text
    assert PolicyChange.objects.get().state == "refused"


def test_a_rule_is_changed_and_retired_from_the_table(asked, admin_client, second_admin_client):
    second_admin_client.post(f"{URL}changes/{asked.pk}/confirm/")
    rule = PolicyRule.objects.current().get(system="paperclips")
    form = admin_client.get(f"{URL}rules/{rule.pk}/change/").text
    assert 'value="20000"' in form

    admin_client.post(f"{URL}rules/{rule.pk}/change/", {**ASKED, "total_cap": "", "approvals": "1"})
    change = PolicyChange.objects.pending().get()
    page = second_admin_client.get(URL).text
    assert "20,000 JPY → <strong>no cap</strong>" in page
    second_admin_client.post(f"{URL}changes/{change.pk}/confirm/")

    rule = PolicyRule.objects.current().get(system="paperclips")
    assert "Everything else" in admin_client.get(f"{URL}rules/{rule.pk}/retire/").text
    admin_client.post(f"{URL}rules/{rule.pk}/retire/", {"reason": "No longer needed."})
    second_admin_client.post(f"{URL}changes/{PolicyChange.objects.pending().get().pk}/confirm/")
    assert holding(1_000).version == "house-1"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"what": ""}, "required"),
        ({"total_cap": "a lot"}, "is not a number"),
        ({"total_cap": "0"}, "more than nothing"),
        ({"approvals": "3"}, "only 2 approvers"),
        ({"notice": "24"}, "shorter than either"),
        ({"reason": ""}, "Say why"),
    ],
)
def test_what_cannot_be_is_said_beside_the_form(admin_client, approver, second_approver, typed, said):
    answer = admin_client.post(f"{URL}add/", {**ASKED, **typed})

    assert answer.status_code == 422
    assert said in answer.text
    assert not PolicyChange.objects.exists()


def test_the_rule_for_everything_has_no_caps_to_type(admin_client):
    rule = PolicyRule.objects.get()

    assert "total_cap" not in admin_client.get(f"{URL}rules/{rule.pk}/change/").text


def test_an_example_says_which_rule_would_hold(asked, second_admin_client, manager_client):
    second_admin_client.post(f"{URL}changes/{asked.pk}/confirm/")
    example = {"what": "paperclips:book_payment", "amount": "1,000"}

    answer = manager_client.get(URL, example)
    assert answer.context["answer"].rule.approvals == 2
    assert manager_client.get(URL, {**example, "amount": "999"}).context["answer"].rule.version == "house-1"
    assert "is not a number" in manager_client.get(URL, {**example, "amount": "much"}).text


def test_the_fragment_answers_a_decision_in_place(asked, second_admin_client):
    answer = second_admin_client.post(f"{URL}changes/{asked.pk}/confirm/", headers={"HX-Request": "true"})

    assert answer.status_code == 200
    assert 'id="board"' in answer.text
    assert "<html" not in answer.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_in_a_browser(opened, asked, admin_client, second_admin_client, theme, width):
    second_admin_client.post(f"{URL}changes/{asked.pk}/confirm/")
    rule = PolicyRule.objects.current().get(system="paperclips")
    admin_client.post(f"{URL}rules/{rule.pk}/change/", {**ASKED, "total_cap": "30,000"})
    page = opened(second_admin_client, color_scheme=theme, viewport={"width": width, "height": 900})

    for path in (f"{URL}?what=paperclips:book_payment&amount=1,200", f"{URL}add/", f"{URL}rules/{rule.pk}/retire/"):
        assert look(page, path) == []
