import factory
import pytest

from anomalies.factories import AnomalyFactory
from anomalies.models import Anomaly
from audit.models import Entry
from systems.tests.paperclips.factories import OrderFactory, PaymentFactory

pytestmark = pytest.mark.django_db

URL = "/subjects/paperclips/order/7/"


@pytest.fixture
def order():
    return OrderFactory(id=7, shipped=True)


def test_it_says_what_the_subject_is(support_client, order):
    answer = support_client.get(URL)

    assert answer.context["described"]["State"] == "shipped"
    assert "Order" in answer.text


def test_it_says_for_every_rule_why_or_why_not(support_client, order):
    PaymentFactory(order_id=7)

    unpaid, twice = support_client.get(URL).context["explained"]

    assert (unpaid.rule.code, unpaid.holds, unpaid.cases[0].unmet) == ("shipped_unpaid", False, 1)
    assert (twice.rule.code, twice.holds) == ("paid_twice", False)


def test_a_subject_without_any_anomaly_has_a_page(support_client):
    OrderFactory(id=7)

    assert "None was ever found." in support_client.get(URL).text


def test_it_shows_the_timeline_and_the_anomalies(support_client, order):
    AnomalyFactory(subject="7")

    answer = support_client.get(URL)

    assert [step.event.title for step in answer.context["timeline"].steps] == ["order shipped", "payment"]
    assert [row.anomaly.subject for row in answer.context["anomalies"]] == ["7"]


def test_personal_values_are_masked(support_client, order):
    assert "Hanako" not in support_client.get(URL).text


def test_unmasking_shows_them_once_and_is_recorded(support, support_client, order):
    answer = support_client.post(URL + "unmask/")

    assert "Hanako" in answer.text
    assert answer["Cache-Control"] == "no-store"
    entry = Entry.objects.get(action_type="subject_unmasked")
    assert (entry.actor_id, entry.target_id) == (support.actor.id, "paperclips/order/7")
    assert "Hanako" not in support_client.get(URL).text


def test_unmasking_refuses_get_and_managers(support_client, manager_client, order):
    assert support_client.get(URL + "unmask/").status_code in (404, 405)
    assert manager_client.post(URL + "unmask/").status_code == 403
    assert not Entry.objects.filter(action_type="subject_unmasked").exists()


def test_another_spelling_leads_to_the_one_address(support_client, order):
    assert support_client.get("/subjects/paperclips/order/007/").url == URL


@pytest.mark.parametrize(
    "url", ["/subjects/paperclips/order/seven/", "/subjects/paperclips/parcel/7/", "/subjects/umbrella/order/7/"]
)
def test_what_cannot_be_is_not_found(support_client, url):
    assert support_client.get(url).status_code == 404


def test_a_subject_the_source_does_not_know_says_so(support_client):
    answer = support_client.get("/subjects/paperclips/order/4711/")

    assert answer.status_code == 200
    assert "The source knows nothing of that name." in answer.text


def test_a_source_that_does_not_answer_says_so_and_the_rest_works(settings, support_client):
    settings.BILLING_SYSTEMS = ["anomalies.tests.umbrellas"]
    AnomalyFactory(system="umbrellas", subject="7")

    answer = support_client.get("/subjects/umbrellas/order/7/")

    assert answer.status_code == 200
    assert "UMBRELLAS_DATABASE_URL" in answer.text
    assert len(answer.context["anomalies"]) == 1


def test_admins_do_not_read_it(admin_client, order):
    assert admin_client.get(URL).status_code == 403


def test_an_anomaly_that_spells_the_subject_otherwise_is_found(order):
    AnomalyFactory(subject="AB", facts={})

    assert Anomaly.objects.for_subject("paperclips", "order", "ab").exists()
    assert not Anomaly.objects.for_subject("paperclips", "order", "a").exists()


def test_it_costs_a_bounded_number_of_queries(support_client, order, django_assert_max_num_queries):
    AnomalyFactory.create_batch(10, subject="7", fingerprint=factory.Sequence(str))

    with django_assert_max_num_queries(25):
        support_client.get(URL)
