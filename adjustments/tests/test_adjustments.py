"""The list: tabs, filters, pages by cursor, CSV; and how few questions it asks of the database."""

import csv
from io import StringIO

import pytest
from django.urls import reverse

from adjustments import drafting
from anomalies.factories import AnomalyFactory
from billingadmin import paging
from systems.tests.paperclips.factories import OrderFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_work")]

URL = "/adjustments/"


@pytest.fixture
def many(propose, support):
    def make(count, by=support):
        made = []
        for number in range(100, 100 + count):
            OrderFactory(id=number, shipped=True)
            target = drafting.for_anomaly(AnomalyFactory(subject=str(number)), "book_payment")
            made.append(propose(target, by, f"=The statement of {number}"))
        return made

    return make


def shown(page):
    return [row.number for row in page.context["page"].rows]


def test_an_approver_begins_with_what_waits_for_them(approver_client, pending, propose, approver):
    OrderFactory(id=8, shipped=True)
    propose(drafting.for_anomaly(AnomalyFactory(subject="8"), "book_payment"), approver)

    page = approver_client.get(URL)

    assert page.context["filter"].current.name == "mine"
    assert shown(page) == [pending.number]


def test_for_the_one_who_proposed_their_own_wait(support_client, pending):
    assert shown(support_client.get(URL, {"tab": "mine"})) == [pending.number]
    assert shown(support_client.get(URL)) == [pending.number]


def test_what_i_edited_or_decided_does_not_wait_for_me(approver_client, pending, edit, approver):
    edit(pending, approver)

    assert shown(approver_client.get(URL, {"tab": "mine"})) == []
    assert shown(approver_client.get(URL, {"tab": "pending"})) == [pending.number]


def test_what_i_approved_as_one_of_two_waits_for_the_other(
    approver_client, second_approver_client, target, propose, approve, support, approver, change_policy
):
    change_policy(approvals=2)
    pending = approve(propose(target, support), approver)

    assert shown(approver_client.get(URL, {"tab": "mine"})) == []
    assert shown(second_approver_client.get(URL, {"tab": "mine"})) == [pending.number]


@pytest.mark.parametrize(
    ("state", "tab"),
    [("pending", "pending"), ("approved", "approved"), ("applied", "applied"), ("needing_attention", "attention")],
)
def test_each_state_has_its_tab(request, manager_client, state, tab):
    adjustment = request.getfixturevalue(state)

    for name in ("pending", "approved", "applied", "attention"):
        assert (shown(manager_client.get(URL, {"tab": name})) == [adjustment.number]) == (name == tab)
    assert shown(manager_client.get(URL, {"tab": "all"})) == [adjustment.number]


def test_filters_narrow_and_survive_in_the_link(manager_client, many):
    first, second = many(2)

    page = manager_client.get(URL, {"tab": "all", "subject": second.subject, "system": "paperclips"})

    assert shown(page) == [second.number]
    assert f'value="{second.subject}"' in page.text
    assert shown(manager_client.get(URL, {"tab": "all", "state": "applied"})) == []
    assert first.number != second.number


@pytest.mark.parametrize(
    "query", [{"tab": "x"}, {"system": "nowhere"}, {"state": "x"}, {"after": "zzz"}, {"subject": "\x00"}]
)
def test_what_makes_no_sense_is_left_out(manager_client, pending, query):
    page = manager_client.get(URL, query)

    assert page.status_code == 200
    assert shown(page) == [pending.number]


def test_pages_go_by_cursor(manager_client, many, monkeypatch):
    monkeypatch.setattr(paging.keyset_page, "__kwdefaults__", {**paging.keyset_page.__kwdefaults__, "size": 2})
    numbers = sorted(adjustment.number for adjustment in many(5))

    first = manager_client.get(URL, {"tab": "pending"})
    second = manager_client.get(URL, {"tab": "pending", "after": first.context["page"].after})

    assert (shown(first), shown(second)) == (numbers[:2], numbers[2:4])
    assert shown(manager_client.get(URL, {"tab": "all"})) == numbers[:-3:-1]


def test_the_fragment_is_the_list_alone(manager_client, pending):
    fragment = manager_client.get(URL, headers={"HX-Request": "true"})

    assert fragment.text.lstrip().startswith('<div class="stack region" id="list"')
    assert "HX-Request" in fragment.headers["Vary"]


def test_the_csv_holds_what_is_filtered_and_starts_no_formula(manager_client, many, approve, approver):
    first, second = many(2)
    approve(second, approver)

    answer = manager_client.get(reverse("adjustments:export"), {"tab": "approved"})

    rows = list(csv.DictReader(StringIO(answer.getvalue().decode().removeprefix("\ufeff"))))
    assert [row["number"] for row in rows] == [str(second.number)]
    assert rows[0]["amount"] == "500"
    assert rows[0]["approved_by"] == approver.name
    assert rows[0]["reason"].startswith("'=")
    assert first.number != second.number


def test_a_list_asks_the_same_however_long_it_is(manager_client, many, django_assert_max_num_queries):
    many(12)

    with django_assert_max_num_queries(12):
        manager_client.get(URL, {"tab": "all"})


def test_a_request_asks_little(manager_client, applied, django_assert_max_num_queries):
    with django_assert_max_num_queries(20):
        manager_client.get(applied.get_absolute_url())


def test_who_is_not_of_the_trade_reads_nothing(admin_client, pending):
    for url in (URL, reverse("adjustments:export"), pending.get_absolute_url()):
        assert admin_client.get(url).status_code == 403


def test_reading_is_by_get(manager_client, pending):
    for url in (URL, reverse("adjustments:export"), pending.get_absolute_url()):
        assert manager_client.post(url).status_code == 405


def test_an_unknown_request_is_not_found(manager_client):
    assert manager_client.get(f"{URL}00000000-0000-4000-8000-000000000000/").status_code == 404


def test_a_room_that_is_gone_leaves_its_requests_readable(manager_client, applied, settings):
    settings.BILLING_SYSTEMS = []

    page = manager_client.get(applied.get_absolute_url())

    assert page.status_code == 200
    assert "book_payment" in page.text
    assert manager_client.get(URL, {"tab": "all"}).status_code == 200


def test_only_for_who_decides_something_waits(approver_client, support_client, manager_client, pending):
    def first_tab(client):
        return str(client.get(URL).context["tabs"][0].label)

    assert first_tab(approver_client) == "Waiting for me"
    assert first_tab(support_client) == "Proposed by me"
    assert first_tab(manager_client) == "Waiting for anyone"


def test_an_empty_list_of_ones_own_says_what_it_is_for(approver_client, support_client):
    assert "Nothing waits for you" in approver_client.get(URL, {"tab": "mine"}).text
    assert "Nothing of yours is open" in support_client.get(URL, {"tab": "mine"}).text
