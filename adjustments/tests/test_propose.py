import pytest
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.factories import stepped_up
from adjustments import drafting, workflow
from adjustments.content import content_hash
from adjustments.models import Adjustment, Contributor, Preview
from adjustments.states import State
from anomalies.factories import AnomalyFactory
from audit.models import Entry
from systems import registry
from systems.reading import SourceUnavailable
from systems.tests.paperclips.models import Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_work")]

HTMX = {"HX-Request": "true"}


@pytest.fixture
def url(anomaly):
    return f"{reverse('adjustments:propose')}?anomaly={anomaly.pk}&correction=book_payment"


@pytest.fixture
def sent(target, now):
    """What the form sends."""
    return {"reason": "The bank statement shows it.", "seen": drafting.draft(target, now=now).seen}


def test_it_asks_for_what_the_source_shows(target, propose, support, now):
    adjustment = propose(target, support)

    line = adjustment.lines.get()
    assert adjustment.state == State.PENDING
    assert (adjustment.amount, adjustment.unit) == (500, "JPY")
    assert (line.subject, line.amount, line.particulars) == ("7", 500, {"order_id": "7"})
    assert line.evidence == {"order_id": "7", "total": 500, "customer": "Hanako"}
    assert line.customer == "Hanako"
    assert adjustment.content_hash == content_hash(adjustment.content)
    assert adjustment.proposed_by == support
    assert adjustment.approve_by > now


def test_the_proposer_is_a_contributor(pending, support):
    assert list(Contributor.objects.values_list("adjustment", "person")) == [(pending.pk, support.pk)]


def test_it_is_recorded_with_its_evidence_and_reason(pending, support):
    entry = Entry.objects.about("adjustment", pending.pk).get()

    assert entry.actor_id == support.actor.id
    assert entry.reason == "The bank statement shows it."
    assert entry.system == "paperclips"
    assert entry.metadata["content_hash"] == pending.content_hash
    assert entry.metadata["lines"][0]["particulars"] == {"order_id": "7"}


def test_a_preview_is_asked_of_the_worker(pending):
    preview = Preview.objects.get(adjustment=pending)

    assert ProcrastinateJob.objects.get(task_name="adjustments.preview").args == {"preview_id": str(preview.pk)}


def test_it_needs_a_reason(target, propose, support):
    for nothing in ("", "  \n", "\x00", "\u200b\u200b", "\u202eIt was paid."):
        with pytest.raises(workflow.NoReason):
            propose(target, support, nothing)


def test_there_is_one_request_for_one_thing(pending, target, propose, approver):
    with pytest.raises(workflow.AlreadyProposed, match=rf"#{pending.number}") as refusal:
        propose(target, approver)

    assert refusal.value.adjustment == pending


def test_what_was_rejected_may_be_proposed_again(pending, target, propose, support, approver, now):
    seen = {"revision": 1, "seen": pending.content_hash}
    stepped_up(approver, pending, now)
    workflow.reject(adjustment=pending, approver=approver, reason="No.", now=now, **seen)

    assert propose(target, support).state == State.PENDING


def test_an_occurrence_that_came_back_may_be_answered_again(applied, anomaly, propose, support):
    anomaly.occurrence = 2

    assert propose(drafting.for_anomaly(anomaly, "book_payment"), support).occurrence == 2


def test_it_is_refused_when_the_source_moved_since_the_page_was_made(target, sent, support, now):
    Order.objects.using("paperclips_writer").update(total=400)

    with pytest.raises(workflow.SourceMoved):
        workflow.propose(target=target, proposer=support, now=now, **sent)


def test_what_the_source_does_not_have_is_not_proposed(target, propose, support):
    Order.objects.using("paperclips_writer").all().delete()

    with pytest.raises(drafting.Undraftable, match="no order 7"):
        propose(target, support)


def test_a_subject_without_an_anomaly_may_be_put_right_too(order, propose, support):
    target = drafting.for_subject(registry.get("paperclips"), "order", "7", "book_payment")

    adjustment = propose(target, support)

    assert adjustment.anomaly is None
    assert adjustment.fingerprint == "paperclips:order:7"


def test_for_a_subject_whose_anomaly_asks_for_it_the_request_is_about_the_anomaly(anomaly):
    target = drafting.for_subject(registry.get("paperclips"), "order", "7", "book_payment")

    assert target.anomaly == anomaly


def test_a_correction_answers_its_own_rules_only(order):
    paid_twice = AnomalyFactory(subject="7", rule="paid_twice")

    with pytest.raises(drafting.Undraftable):
        drafting.for_anomaly(paid_twice, "book_payment")


# In the browser ------------------------------------------------------------------------------------------------------


def test_the_form_shows_what_would_be_posted_on_which_evidence(support_client, url, sent):
    page = support_client.get(url)

    assert page.status_code == 200
    assert "Book the missing payment" in page.text
    assert sent["seen"] in page.text
    assert "order_id" in page.text


def test_sending_it_leads_to_the_request(support_client, url, sent):
    answer = support_client.post(url, sent)

    adjustment = Adjustment.objects.get()
    assert answer.url == adjustment.get_absolute_url()
    assert adjustment.correlation_id == answer.headers["X-Request-ID"]


def test_sending_it_twice_leads_to_the_same_request(support_client, url, sent):
    answers = [support_client.post(url, sent) for _ in range(2)]

    assert Adjustment.objects.count() == 1
    assert answers[0].url == answers[1].url


def test_without_a_reason_the_form_comes_back_with_the_reason_why(support_client, url, sent):
    answer = support_client.post(url, sent | {"reason": " "})

    assert answer.status_code == 422
    assert "Say why" in answer.text
    assert not Adjustment.objects.exists()


def test_when_the_source_moved_the_form_comes_back_with_what_it_says_now(support_client, url, sent):
    Order.objects.using("paperclips_writer").update(total=400)

    answer = support_client.post(url, sent)

    assert answer.status_code == 409
    assert "The source has moved" in answer.text
    assert "The bank statement shows it." in answer.text
    moved = support_client.post(url, sent | {"seen": answer.context["draft"].seen})
    assert moved.status_code == 302
    assert Adjustment.objects.get().amount == 400


def test_a_source_that_does_not_answer_says_so(support_client, url, monkeypatch):
    def down(*arguments, **named):
        raise SourceUnavailable("paperclips", "connection refused", "Start it.")

    monkeypatch.setattr("adjustments.drafting.reading", down)

    page = support_client.get(url)

    assert page.status_code == 200
    assert "connection refused" in page.text
    assert "Start it." in page.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 404),
        ("anomaly=x&correction=book_payment", 404),
        ("anomaly=99999999999999999999", 404),
        ("anomaly=0&correction=book_payment", 404),
        ("system=nowhere&kind=order&subject=7&correction=book_payment", 404),
        ("reverses=x", 404),
        ("system=paperclips&kind=order&subject=7&correction=nothing", 422),
        ("system=paperclips&kind=customer&subject=7&correction=book_payment", 422),
    ],
)
def test_a_link_that_means_nothing_is_answered_calmly(support_client, order, query, status):
    assert support_client.get(f"{reverse('adjustments:propose')}?{query}").status_code == status


def test_readers_do_not_propose(manager_client, auditor_client, admin_client, url, sent):
    for client in (manager_client, auditor_client, admin_client):
        assert client.get(url).status_code == 403
        assert client.post(url, sent).status_code == 403
    assert not Adjustment.objects.exists()


def test_the_verb_refuses_readers_too(target, propose, manager):
    with pytest.raises(workflow.NotAllowed):
        propose(target, manager)
