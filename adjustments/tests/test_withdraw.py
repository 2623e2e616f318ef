import pytest
from django.urls import reverse

from adjustments import workflow
from adjustments.models import Adjustment
from adjustments.standing import TooLate
from adjustments.states import State
from audit.models import Entry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_work")]

HTMX = {"HX-Request": "true"}
SENT = {"reason": "It was paid in cash."}


@pytest.fixture
def url(pending):
    return reverse("adjustments:withdraw", args=[pending.pk])


@pytest.fixture
def withdraw(now):
    def withdraw(adjustment, person, reason="It was paid in cash."):
        return workflow.withdraw(adjustment=adjustment, person=person, reason=reason, now=now)

    return withdraw


def test_the_proposer_takes_it_back(pending, withdraw, support, now):
    withdrawn = withdraw(pending, support)

    entry = Entry.objects.about("adjustment", pending.pk).newest_first().first()
    assert (withdrawn.state, withdrawn.closed_at) == (State.WITHDRAWN, now)
    assert (entry.action_type, entry.reason) == ("adjustment_withdrawn", "It was paid in cash.")


def test_nobody_else_does(pending, withdraw, support, approver):
    with pytest.raises(workflow.NotAllowed, match=support.name):
        withdraw(pending, approver)


def test_it_needs_a_reason(pending, withdraw, support):
    with pytest.raises(workflow.NoReason):
        withdraw(pending, support, "")


def test_withdrawing_again_is_calm(pending, withdraw, support):
    withdraw(pending, support)

    assert withdraw(pending, support).state == State.WITHDRAWN
    assert Entry.objects.about("adjustment", pending.pk).count() == 2


def test_what_is_approved_is_not_withdrawn(approved, withdraw, support):
    with pytest.raises(TooLate):
        withdraw(approved, support)


def test_the_page_answer(support_client, url, pending):
    answer = support_client.post(url, SENT)

    assert answer.url == pending.get_absolute_url()
    assert Adjustment.objects.get().state == State.WITHDRAWN


def test_the_fragment_answer(support_client, url):
    answer = support_client.post(url, SENT, headers=HTMX)

    assert answer.text.lstrip().startswith('<div class="stack region" id="request"')
    assert "withdrawn" in answer.text


def test_without_a_reason_it_says_so(support_client, url):
    answer = support_client.post(url, {"reason": ""})

    assert answer.status_code == 422
    assert "Say why" in answer.text
    assert Adjustment.objects.get().state == State.PENDING


def test_a_reason_that_cannot_be_read_comes_back(support_client, url):
    answer = support_client.post(url, {"reason": "Paid\u202e twice."})

    assert answer.status_code == 422
    assert "cannot be seen (U+202E)" in answer.text
    assert "Paid\u202e twice.</textarea>" in answer.text
    assert Adjustment.objects.get().state == State.PENDING


def test_it_refuses_get(support_client, url):
    assert support_client.get(url).status_code == 405


def test_readers_do_not_withdraw(manager_client, auditor_client, url):
    for client in (manager_client, auditor_client):
        assert client.post(url, SENT).status_code == 403
    assert Adjustment.objects.get().state == State.PENDING
