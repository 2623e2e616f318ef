"""The queue: what it shows, in which order, page by page."""

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.utils import timezone

from anomalies import queue
from anomalies.factories import MOMENT, AnomalyFactory, NoteFactory
from anomalies.models import Anomaly
from anomalies.queue import Filter, Order
from systems.base import Severity

pytestmark = pytest.mark.django_db


def shown(answer):
    return [row.anomaly.subject for row in answer.context["rows"]]


def asked(client, **asked):
    return client.get("/anomalies/", asked)


def found(order=Order.NEWEST, **wanted):
    return [anomaly.subject for anomaly in queue.page(Filter(**wanted), order, queue.cells()).rows]


def test_it_shows_what_is_open(support, support_client):
    AnomalyFactory(subject="1")
    AnomalyFactory(subject="2", dismissed=True, by=support)
    AnomalyFactory(subject="3", cleared=True)
    AnomalyFactory(subject="4", verdict="expected")

    assert shown(asked(support_client)) == ["1"]


@pytest.mark.parametrize("state", ["snoozed", "dismissed", "settled", "cleared"])
def test_each_state_is_a_tab(support, support_client, state):
    AnomalyFactory(subject="1")
    AnomalyFactory(subject="2", by=support, **{state: True})

    answer = asked(support_client, state=state)

    assert shown(answer) == ["2"]
    assert {tab["state"]: tab["count"] for tab in answer.context["tabs"]}[state] == 1


@pytest.mark.parametrize("who", ["support", "approver", "manager", "auditor"])
def test_everybody_of_the_trade_reads_it(request, who):
    assert asked(request.getfixturevalue(f"{who}_client")).status_code == 200


def test_admins_do_not(admin_client):
    assert asked(admin_client).status_code == 403


def test_who_may_not_triage_is_offered_nothing_to_do(manager_client):
    AnomalyFactory()

    page = asked(manager_client).text

    assert "Claim" not in page
    assert 'name="pick"' not in page


def test_it_refuses_post(support_client):
    assert support_client.post("/anomalies/").status_code == 405


# Filters


def test_it_can_be_narrowed_down(support, approver):
    now = MOMENT + timedelta(days=3)
    AnomalyFactory(subject="1", severity="critical", owner=support, claimed_at=MOMENT)
    AnomalyFactory(subject="2", rule="paid_twice", observed_at=MOMENT - timedelta(days=10))
    AnomalyFactory(subject="3", system="umbrellas", fingerprint="umbrellas:3")

    assert found(system="umbrellas") == ["3"]
    assert found(rule=("paperclips", "paid_twice")) == ["2"]
    assert found(severity="critical") == ["1"]
    assert found(owner=support.pk) == ["1"]
    assert found(owner=approver.pk) == []
    assert found(nobody=True) == ["3", "2"]
    assert found(since=now - timedelta(days=7)) == ["3", "1"]
    assert found(until=now - timedelta(days=7)) == ["2"]
    assert found(system="paperclips", severity="major", nobody=True, until=MOMENT) == ["2"]


def test_the_filter_is_the_address(support, support_client):
    now = timezone.now()
    AnomalyFactory(subject="1", owner=support, claimed_at=MOMENT, observed_at=now - timedelta(hours=3))
    AnomalyFactory(subject="2", owner=support, claimed_at=MOMENT, observed_at=now - timedelta(days=3))
    AnomalyFactory(subject="3", observed_at=now - timedelta(hours=3))

    answer = asked(support_client, owner="me", age="day", rule="paperclips:shipped_unpaid", severity="major")

    assert shown(answer) == ["1"]
    assert '<option value="me" selected>' in answer.text
    assert '<option value="day" selected>' in answer.text
    assert '<option value="paperclips:shipped_unpaid" selected>' in answer.text


def test_any_id_it_names_finds_it(support_client):
    AnomalyFactory(subject="1", facts={"order_id": "1", "user_id": "AB-12", "total": 77})
    AnomalyFactory(subject="2")

    assert shown(asked(support_client, q=" ab-12 ")) == ["1"]
    assert shown(asked(support_client, q="2")) == ["2"]
    assert shown(asked(support_client, q="77")) == []
    assert asked(support_client, q="2").context["tabs"][0]["count"] == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"severity": "huge"},
        {"system": "umbrella"},
        {"rule": "paperclips:no_such_rule"},
        {"owner": "4711"},
        {"age": "old"},
        {"state": "lost"},
        {"order": "random"},
    ],
)
def test_what_is_not_understood_is_left_out_and_said(support_client, odd):
    AnomalyFactory(subject="1")

    answer = asked(support_client, **odd)

    assert shown(answer) == ["1"]
    assert "not understood" in answer.text


@pytest.mark.parametrize("cursor", ["x", "WzFd", "////", "e30", "a" * 5_000])
@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("text", ["", "1"])
def test_a_cursor_that_is_not_ours_gives_the_first_page(support_client, order, cursor, text):
    AnomalyFactory(subject="1")

    assert shown(asked(support_client, order=order, after=cursor, q=text)) == ["1"]
    assert shown(asked(support_client, order=order, before=cursor, q=text)) == ["1"]


def test_text_with_a_nul_character_finds_nothing_and_breaks_nothing(support_client):
    assert asked(support_client, q="a\0b").status_code == 200


def test_a_rule_that_is_no_more_can_still_be_filtered_by(support_client):
    AnomalyFactory(subject="1", rule="old_rule")

    answer = asked(support_client, rule="paperclips:old_rule")

    assert shown(answer) == ["1"]
    assert "old_rule" in answer.text


# Orders and pages


def history(count=60):
    """Anomalies of all severities, some at the same instant, some of the same amount."""
    for number in range(count):
        AnomalyFactory(
            subject=str(number),
            rule=("shipped_unpaid", "paid_twice")[number % 2],
            severity=Severity.values[number % 4],
            observed_at=MOMENT + timedelta(minutes=number // 3),
            amount=(number % 7) * 100 if number % 5 else None,
        )


def plain(order):
    return list(Anomaly.objects.order_by(*queue.COLUMNS[order]).values_list("pk", flat=True))


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("wanted", [Filter(), Filter(since=MOMENT, until=MOMENT + timedelta(days=1))])
def test_pages_lead_through_everything_once_and_back_again(order, wanted):
    history()
    cells, size, there, back = queue.cells(), 7, [], []

    page = queue.page(wanted, order, cells, size=size)
    for _ in range(60 // size):
        there += [row.pk for row in page.rows]
        page = queue.page(wanted, order, cells, after=page.after, size=size)
    there += [row.pk for row in page.rows]
    for _ in range(60 // size):
        back = [row.pk for row in page.rows] + back
        page = queue.page(wanted, order, cells, before=page.before, size=size)
    back = [row.pk for row in page.rows] + back

    assert (page.before, back[:size]) == ("", plain(order)[:size])
    assert there == plain(order)
    assert back == there


@pytest.mark.parametrize("order", Order)
def test_the_search_has_the_same_orders(support_client, order):
    for number in range(5):
        AnomalyFactory(
            subject=str(number),
            facts={"user_id": "u1"},
            severity=Severity.values[number % 4],
            observed_at=MOMENT + timedelta(minutes=number),
            amount=number * 7 % 5,
        )

    answer = asked(support_client, q="u1", order=order)

    assert [row.anomaly.pk for row in answer.context["rows"]] == plain(order)


def test_a_row_that_comes_while_one_reads_moves_nothing():
    history(20)
    cells = queue.cells()
    first = queue.page(Filter(), Order.NEWEST, cells, size=5)
    expected = queue.page(Filter(), Order.NEWEST, cells, after=first.after, size=5)

    AnomalyFactory(observed_at=MOMENT + timedelta(days=1))

    again = queue.page(Filter(), Order.NEWEST, queue.cells(), after=first.after, size=5)
    assert [row.pk for row in again.rows] == [row.pk for row in expected.rows]


def test_counts_are_capped(support_client, monkeypatch):
    monkeypatch.setattr("anomalies.queue.CAP", 3)
    history(10)

    assert queue.counts(Filter(), queue.cells())["open"] == 4


def test_a_page_costs_the_same_few_queries_however_long_it_is(support_client, django_assert_max_num_queries):
    history(50)
    for anomaly in Anomaly.objects.all()[:10]:
        NoteFactory(anomaly=anomaly, author_id=support_client.session["_auth_user_id"])

    with django_assert_max_num_queries(12):
        asked(support_client)


def test_htmx_gets_the_list_alone(support_client):
    AnomalyFactory()

    answer = support_client.get("/anomalies/", headers={"HX-Request": "true"})

    assert answer.text.strip().startswith('<div class="stack" id="list"')
    assert "HX-Request" in answer["Vary"]


# Empty places


def test_an_empty_queue_says_what_would_fill_it(support_client):
    assert "Detection runs at minute 7 of every hour" in asked(support_client).text


def test_a_filter_that_fits_nothing_offers_a_way_out(support_client):
    assert "No anomaly fits" in asked(support_client, severity="critical").text


# CSV


def exported(client, **asked):
    text = b"".join(client.get("/anomalies/export.csv", asked).streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


def test_the_export_holds_what_is_filtered_in_its_order(support_client, monkeypatch):
    monkeypatch.setattr("anomalies.views.queue.AT_ONCE", 7)
    history(30)

    rows = exported(support_client, severity="critical", order="largest")

    assert [int(row["amount"] or 0) for row in rows] == sorted((int(row["amount"] or 0) for row in rows), reverse=True)
    assert {row["severity"] for row in rows} == {"critical"}
    assert len(rows) == Anomaly.objects.filter(severity="critical").count()


def test_the_export_has_the_amount_with_its_sign_and_what_is_at_stake(support_client):
    AnomalyFactory(amount=-500)

    (row,) = exported(support_client)

    assert (row["amount"], row["at_risk"]) == ("-500", "500")


def test_the_export_starts_no_formula(support_client):
    AnomalyFactory(subject="=1+1")

    assert exported(support_client)[0]["subject"] == "'=1+1"


def test_the_export_refuses_who_may_not_read(admin_client):
    assert admin_client.get("/anomalies/export.csv").status_code == 403


def test_the_system_is_named_where_there_are_several(support_client, settings):
    AnomalyFactory()
    assert "<td>Paperclip shop</td>" in support_client.get("/anomalies/").text

    settings.BILLING_SYSTEMS = ["systems.tests.paperclips"]

    assert "<td>Paperclip shop</td>" not in support_client.get("/anomalies/").text
