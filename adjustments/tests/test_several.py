"""One request for many: from the queue, from all that a filter shows, from a file. Nothing that is left out is lost."""

import html
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.urls import reverse

from adjustments import drafting
from adjustments.models import Adjustment, AdjustmentLine
from anomalies.factories import AnomalyFactory
from systems.tests.paperclips.factories import OrderFactory
from systems.tests.paperclips.models import Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_work")]


@pytest.fixture
def url():
    return reverse("adjustments:propose_several")


@pytest.fixture
def four(db):
    orders = [
        OrderFactory(id=number, shipped=True, total=100 * number, customer=f"c{number}") for number in range(1, 5)
    ]
    return [AnomalyFactory(subject=str(order.id)) for order in orders]


@pytest.fixture
def upload(support_client, url):
    def upload(content, correction="paperclips:book_payment"):
        content = content.encode() if isinstance(content, str) else content
        return support_client.post(url, {"correction": correction, "file": SimpleUploadedFile("list.csv", content)})

    return upload


def sent_again(page):
    """The fields of the form that proposes, as a browser would send them."""
    form = next(one for one in re.findall(r"<form.*?</form>", page.text, re.S) if 'name="seen"' in one)
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form):
        named = dict(re.findall(r'(name|value)="([^"]*)"', tag))
        fields[named["name"]] = html.unescape(named.get("value", ""))
    for name, text in re.findall(r'<textarea name="(text)"[^>]*>(.*?)</textarea>', form, re.S):
        fields[name] = html.unescape(text)
    return fields | {"reason": "The outage of Monday."}


def told(page):
    """Subject -> why it was left out."""
    return {str(one.subject): one.why for one in page.context["left_out"]}


def test_what_is_ticked_in_the_queue_becomes_one_request(support_client, url, four, support):
    page = support_client.post(url, {"pick": [one.pk for one in four]})
    answer = support_client.post(url, sent_again(page))

    adjustment = Adjustment.objects.get()
    assert "1,000" in page.text
    assert answer.url == adjustment.get_absolute_url()
    assert (adjustment.amount, adjustment.proposed_by) == (1000, support)
    assert (adjustment.anomaly, adjustment.fingerprint, adjustment.subject) == (None, "", "")
    lines = adjustment.lines.order_by("number")
    assert [(line.subject, line.customer) for line in lines] == [("1", "c1"), ("2", "c2"), ("3", "c3"), ("4", "c4")]
    assert {line.anomaly for line in lines} == set(four)


def test_all_that_the_queue_shows_may_be_asked_for(support_client, url, four):
    page = support_client.post(url, {"all": "1", "next": "/anomalies/?system=paperclips"})

    assert len(page.context["draft"].entries) == 4


def test_what_cannot_be_asked_for_is_left_out_with_its_reason(support_client, url, four, target, propose, approver):
    propose(drafting.for_anomaly(four[0], "book_payment"), approver)
    Order.objects.using("paperclips_writer").filter(pk=2).delete()
    other = AnomalyFactory(subject="9", rule="paid_twice")

    chosen = {"pick": [one.pk for one in [*four, other]], "correction": "paperclips:book_payment"}
    page = support_client.post(url, chosen)

    assert [entry.line.subject for entry in page.context["draft"].entries] == ["3", "4"]
    assert "already asks for this" in told(page)["1"]
    assert "no order 2" in told(page)["2"]
    assert "does not answer" in told(page)["9"]


def test_where_several_corrections_could_answer_the_person_chooses(support_client, url, four):
    other = AnomalyFactory(subject="9", rule="paid_twice")

    page = support_client.post(url, {"pick": [four[0].pk, other.pk]})

    assert [offer.code for offer in page.context["offers"]] == ["paperclips:book_payment", "paperclips:void_payment"]


def test_a_source_that_moved_meanwhile_is_shown_anew(support_client, url, four):
    sent = sent_again(support_client.post(url, {"pick": [one.pk for one in four]}))
    Order.objects.using("paperclips_writer").filter(pk=2).update(total=999)

    answer = support_client.post(url, sent)

    assert answer.status_code == 409
    assert not Adjustment.objects.exists()
    assert support_client.post(url, sent_again(answer)).status_code == 302


def test_a_file_names_subjects_and_every_row_is_answered_for(upload, four, support_client, url):
    page = upload("\ufeffSubject ,Amount\n1,100\n2,250\n\n1,100\nabc\n77,100\n3,x\n,5\n4,400\n")

    assert [entry.line.subject for entry in page.context["draft"].entries] == ["1", "4"]
    why = {one.row: one.why for one in page.context["left_out"]}
    assert set(why) == {3, 5, 6, 7, 8, 9}
    assert "says 250" in why[3]
    assert "Row 2 names the same" in why[5]
    assert "no order 77" in why[7]
    assert "is not a number" in why[8]
    assert "names no subject" in why[9]

    support_client.post(url, sent_again(page))
    assert Adjustment.objects.get().amount == 500


@pytest.mark.parametrize("content", ["subject;amount\n1;100\n", "order_id\tnote\n1\thello\n", "id,SUBJECT\r\nx,1\r\n"])
def test_a_header_may_be_written_in_many_ways(upload, four, content):
    assert [entry.line.subject for entry in upload(content).context["draft"].entries] == ["1"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("名前,金額\n一,1\n".encode("cp932"), "Shift_JIS"),
        (b"\xff\xfe\xfa\xfb,\xff", "UTF-8"),
        (b"PK\x03\x04\x00\x00", "not a CSV file"),
        (b"number,amount\n1,2\n", "must name a column"),
        (b"subject\n", "names no subject"),
        (b"\n", "is empty"),
    ],
)
def test_what_is_no_such_file_is_refused_with_a_sentence(upload, four, content, sentence):
    page = upload(content)

    assert page.status_code == 422
    assert sentence in page.text


def test_two_anomalies_of_one_subject_are_not_posted_twice(four):
    again = AnomalyFactory(subject="1", rule="shipped_unpaid", fingerprint="another")
    target = drafting.for_anomalies([*four, again], "book_payment")

    drafted = drafting.draft(target, now=four[0].observed_at)

    assert [entry.line.subject for entry in drafted.entries] == ["1", "2", "3", "4"]
    assert drafted.left_out[0].anomaly == again


def test_three_hundred_lines_are_drafted_in_one_transaction_with_two_questions_each(
    db, now, django_assert_max_num_queries
):
    anomalies = [AnomalyFactory(subject=str(OrderFactory(id=number, shipped=True).id)) for number in range(1, 301)]
    target = drafting.for_anomalies(anomalies, "book_payment")

    with django_assert_max_num_queries(2 * 300 + 6, connection=connections["paperclips"]):
        drafted = drafting.draft(target, now=now)

    assert len(drafted.entries) == 300


def test_support_alone_may_propose_for_several(manager_client, url):
    assert manager_client.get(url).status_code == 403


def test_the_queue_offers_it(support_client, manager_client, four, url):
    page = support_client.get(reverse("anomalies:queue"))

    assert f'formaction="{url}"' in page.text
    assert url not in manager_client.get(reverse("anomalies:queue")).text


def test_a_line_is_asked_for_once_also_among_many(four, propose, support, approver):
    propose(drafting.for_anomalies(four[:2], "book_payment"), support)

    with pytest.raises(drafting.Undraftable):
        drafting.draft(drafting.for_anomalies(four[:2], "book_payment"), now=four[0].observed_at)
    assert AdjustmentLine.objects.filter(live=True).count() == 2
