"""A request of many lines on its page: counted, paged, filtered, downloaded, and taken back in part."""

from datetime import timedelta

import pytest
from django.urls import reverse

from adjustments import applying, drafting
from adjustments.models import Adjustment
from adjustments.states import Outcome, State
from anomalies.factories import AnomalyFactory
from anomalies.models import Anomaly
from systems.tests.paperclips.factories import OrderFactory
from systems.tests.paperclips.models import Order, Payment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_work")]


@pytest.fixture
def sixty(propose, support, db):
    """A pending request of sixty lines."""
    anomalies = [
        AnomalyFactory(subject=str(OrderFactory(id=number, shipped=True, total=100 + number).id))
        for number in range(1, 61)
    ]
    return propose(drafting.for_anomalies(anomalies, "book_payment"), support)


@pytest.fixture
def mostly_posted(paid_by_three, key_table, now):
    Order.objects.using("paperclips_writer").filter(pk=2).update(total=400)
    applying.drive(paid_by_three.pk, now=now + timedelta(minutes=6))
    return Adjustment.objects.get(pk=paid_by_three.pk)


@pytest.fixture
def all_posted(paid_by_three, key_table, now):
    applying.drive(paid_by_three.pk, now=now + timedelta(minutes=6))
    return Adjustment.objects.get(pk=paid_by_three.pk)


def test_its_lines_come_a_page_at_a_time(sixty, manager_client):
    page = manager_client.get(sixty.get_absolute_url())
    portion = page.context["sheet"].portion
    rest = manager_client.get(sixty.get_absolute_url(), {"after": portion.page.after})

    assert (portion.count, len(portion.page.rows)) == (60, 50)
    assert [line.number for line in rest.context["sheet"].portion.page.rows] == list(range(51, 61))


def test_a_page_asks_the_same_however_many_lines(sixty, manager_client, django_assert_max_num_queries):
    with django_assert_max_num_queries(26):
        manager_client.get(sixty.get_absolute_url())


def test_who_decides_sees_the_total_the_largest_and_how_many_people(sixty, approver_client):
    page = approver_client.get(reverse("adjustments:decide", args=[sixty.pk]))

    assert page.context["sheet"].portion.spread["largest"] == 160
    assert page.context["sheet"].portion.spread["customers"] == 1
    assert "60 lines" in page.text


def test_what_was_refused_is_shown_alone_with_before_and_now(mostly_posted, manager_client):
    page = manager_client.get(mostly_posted.get_absolute_url(), {"outcome": "refused"})

    shown = page.context["sheet"].lines
    assert [one.line.subject for one in shown] == ["2"]
    assert [(one.name, one.before, one.after) for one in shown[0].differences] == [("total", 500, 400)]
    assert "2 of 3 lines are posted" in page.text


def test_every_line_is_in_the_file_with_what_became_of_it(mostly_posted, manager_client):
    answer = manager_client.get(reverse("adjustments:lines", args=[mostly_posted.pk]))

    rows = b"".join(answer.streaming_content).decode().splitlines()
    assert len(rows) == 4
    assert "payment_id" in rows[1]
    assert "refused" in rows[2]


def test_each_anomaly_tells_of_the_request(all_posted, manager_client):
    for anomaly in Anomaly.objects.all():
        page = manager_client.get(reverse("anomalies:anomaly", args=[anomaly.pk]))
        assert f"#{all_posted.number}" in page.text


# What has changed since ----------------------------------------------------------------------------------------------


def test_who_decides_is_told_what_the_source_says_otherwise_by_now(sixty, approver_client):
    Order.objects.using("paperclips_writer").filter(pk=7).update(total=1)

    page = approver_client.get(reverse("adjustments:moved", args=[sixty.pk]))

    assert [(one.line.subject, one.changes[0].after) for one in page.context["moved"]] == [("7", 1)]


def test_nothing_changed_is_said_too(sixty, approver_client):
    page = approver_client.get(reverse("adjustments:moved", args=[sixty.pk]))

    assert "still says what was signed" in page.text


def test_a_source_that_is_down_is_said_and_decides_nothing(sixty, approver_client, monkeypatch):
    monkeypatch.setattr("systems.reading.is_connected", lambda slug: False)

    page = approver_client.get(reverse("adjustments:moved", args=[sixty.pk]))

    assert page.status_code == 200
    assert "You may decide all the same" in page.text


# Taking back ---------------------------------------------------------------------------------------------------------


def test_all_of_it_is_taken_back_by_one_request(all_posted, propose, approve, support, approver, now):
    reversal = propose(drafting.for_reversal(all_posted), support)

    applying.drive(approve(reversal, approver).pk, now=now + timedelta(hours=1))

    assert reversal.amount == -all_posted.amount
    assert set(Payment.objects.values_list("voided", flat=True)) == {True}
    assert Adjustment.objects.get(pk=all_posted.pk).reversed_at
    assert set(Anomaly.objects.values_list("state", flat=True)) == {"open"}


def test_a_part_of_it_is_taken_back_line_by_line(all_posted, propose, approve, support, approver, now):
    reversal = propose(drafting.for_reversal(all_posted, [2]), support)
    applying.drive(approve(reversal, approver).pk, now=now + timedelta(hours=1))

    lines = all_posted.lines.order_by("number")
    assert [bool(line.reversed_at) for line in lines] == [False, True, False]
    assert [line.live for line in lines] == [True, False, True]
    assert Adjustment.objects.get(pk=all_posted.pk).reversed_at is None
    assert Anomaly.objects.get(subject="2").state == "open"


def test_the_rest_may_be_taken_back_after_a_part(all_posted, propose, approve, support, approver, now):
    first = propose(drafting.for_reversal(all_posted, [2]), support)
    applying.drive(approve(first, approver).pk, now=now + timedelta(hours=1))
    rest = propose(drafting.for_reversal(all_posted), support)

    assert list(rest.lines.values_list("subject", flat=True)) == ["1", "3"]
    applying.drive(approve(rest, approver).pk, now=now + timedelta(hours=2))
    assert Adjustment.objects.get(pk=all_posted.pk).reversed_at == now + timedelta(hours=2)


def test_chosen_lines_are_taken_back_from_the_page(all_posted, support_client):
    page = support_client.get(all_posted.get_absolute_url())
    form = support_client.get(reverse("adjustments:propose"), {"reverses": all_posted.pk, "line": [1, 3]})

    assert 'name="line"' in page.text
    assert [entry.line.subject for entry in form.context["draft"].entries] == ["1", "3"]


def test_a_line_that_was_never_posted_is_not_taken_back(mostly_posted, approver, second_approver, now):
    assert mostly_posted.state == State.NEEDS_ATTENTION
    assert mostly_posted.lines.get(number=2).outcome == Outcome.REFUSED
    with pytest.raises(drafting.Undraftable):
        drafting.for_reversal(mostly_posted)
