import pytest
from django.urls import reverse

from accounts.demo import CAST
from accounts.factories import stepped_up
from adjustments import workflow
from adjustments.models import Adjustment, Decision
from adjustments.standing import TooLate
from adjustments.states import State, Verdict
from audit.models import Entry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_work")]

HTMX = {"HX-Request": "true"}
WORD = CAST["approver"].password


@pytest.fixture
def url(pending):
    return reverse("adjustments:reject", args=[pending.pk])


@pytest.fixture
def sent(pending):
    return {"revision": pending.revision, "seen": pending.content_hash, "reason": "It was paid in cash.", "word": WORD}


@pytest.fixture
def reject(now):
    def reject(adjustment, approver, reason="It was paid in cash."):
        seen = {"revision": adjustment.revision, "seen": adjustment.content_hash}
        approver = stepped_up(approver, adjustment, now)
        return workflow.reject(adjustment=adjustment, approver=approver, reason=reason, now=now, **seen)

    return reject


def test_it_is_rejected_with_the_reason(pending, reject, approver, now):
    rejected = reject(pending, approver)

    entry = Entry.objects.about("adjustment", pending.pk).newest_first().first()
    assert (rejected.state, rejected.closed_at) == (State.REJECTED, now)
    assert Decision.objects.get().verdict == Verdict.REJECT
    assert (entry.action_type, entry.reason) == ("adjustment_rejected", "It was paid in cash.")


def test_it_needs_a_reason(pending, reject, approver):
    with pytest.raises(workflow.NoReason):
        reject(pending, approver, " ")


def test_the_proposer_cannot_reject(target, propose, reject, approver):
    with pytest.raises(workflow.OwnHand):
        reject(propose(target, approver), approver)


def test_rejecting_again_is_calm(pending, reject, approver):
    reject(pending, approver)

    assert reject(pending, approver).state == State.REJECTED
    assert Decision.objects.count() == 1


def test_what_is_approved_is_not_rejected(approved, reject, approver, second_approver):
    with pytest.raises(TooLate, match=f"Approved by {approver.name}"):
        reject(approved, second_approver)


def test_the_page_answer(approver_client, url, sent, pending):
    answer = approver_client.post(url, sent)

    assert answer.url == pending.get_absolute_url()
    assert Adjustment.objects.get().state == State.REJECTED


def test_the_fragment_answer(approver_client, url, sent):
    answer = approver_client.post(url, sent, headers=HTMX)

    assert answer.text.lstrip().startswith('<div class="stack region" id="request"')
    assert "rejected" in answer.text


def test_without_a_reason_the_page_comes_back(approver_client, url, sent):
    answer = approver_client.post(url, sent | {"reason": ""})

    assert answer.status_code == 422
    assert "Say why" in answer.text
    assert Adjustment.objects.get().state == State.PENDING


def test_it_refuses_get(approver_client, url):
    assert approver_client.get(url).status_code == 405


def test_only_approvers_reject(support_client, manager_client, auditor_client, admin_client, url, sent):
    for client in (support_client, manager_client, auditor_client, admin_client):
        assert client.post(url, sent).status_code == 403
    assert Adjustment.objects.get().state == State.PENDING
