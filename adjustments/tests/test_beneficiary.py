"""Whoever benefits from a request neither asks for it nor decides it: compared by the identities a source knows."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts import changes
from accounts.changes import Identity
from accounts.demo import CAST
from accounts.factories import stepped_up
from accounts.models import Kind
from adjustments import attention
from adjustments.models import Adjustment, Decision
from adjustments.people import voters
from adjustments.standing import Beneficiary
from adjustments.states import State, Verdict
from audit.models import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def is_customer(order, admin, second_admin, now):
    """Matched to whom the money of the order is."""

    def match(person, value="", system=""):
        identity = Identity("other", (value or order.customer).upper(), system)
        change = changes.request(person=person, kind=Kind.MATCH, identity=identity, reason="r", by=admin, now=now)
        changes.confirm(change=change, by=second_admin, now=now)

    return match


def test_the_beneficiary_does_not_approve(pending, approve, approver, is_customer, order):
    is_customer(approver)

    with pytest.raises(Beneficiary, match=f"your own account.*{order.customer}.*another approver"):
        approve(pending, approver)

    assert not Decision.objects.exists()


def test_another_approver_does(pending, approve, approver, second_approver, is_customer):
    is_customer(approver)

    assert approve(pending, second_approver).state == State.APPROVED


def test_the_beneficiary_by_the_subject_or_by_a_column_of_the_evidence(pending, approve, approver, is_customer, order):
    is_customer(approver, str(order.id), pending.system)

    with pytest.raises(Beneficiary):
        approve(pending, approver)


def test_an_identity_of_another_system_is_somebody_else(pending, approve, approver, is_customer):
    is_customer(approver, system="elsewhere")

    assert approve(pending, approver).state == State.APPROVED


def test_the_beneficiary_does_not_propose(target, propose, support, is_customer):
    is_customer(support)

    with pytest.raises(Beneficiary, match="somebody else must ask"):
        propose(target, support)

    assert not Adjustment.objects.exists()


def test_the_beneficiary_does_not_edit(pending, edit, approver, is_customer):
    is_customer(approver)

    with pytest.raises(Beneficiary, match="somebody else must ask"):
        edit(pending, approver)

    assert Adjustment.objects.get().revision == 1


def test_the_beneficiary_does_not_ask_for_a_cancellation(approved, approver, is_customer, now):
    is_customer(approver)
    proven = stepped_up(approver, approved, now + timedelta(minutes=9))

    with pytest.raises(Beneficiary):
        attention.ask(
            adjustment=approved,
            person=proven,
            verdict=Verdict.CANCEL,
            reason="A mistake.",
            now=now + timedelta(minutes=9),
        )


def test_a_change_of_policy_renews_what_a_later_matched_proposer_asked_for(
    pending, change_policy, support, approver, second_approver, is_customer
):
    is_customer(support)

    change_policy(approvals=2)

    assert Adjustment.objects.get().revision == 2


def test_the_page_tells_who_benefits(pending, approver, is_customer):
    is_customer(approver)

    assert {voter.person: voter.why_not for voter in voters(pending)}[approver] == "benefits from it"


@pytest.mark.usefixtures("at_work")
def test_the_try_is_recorded(pending, approver, approver_client, is_customer):
    is_customer(approver)
    sent = {"revision": pending.revision, "seen": pending.content_hash, "word": CAST["approver"].password}

    page = approver_client.post(reverse("adjustments:approve", args=[pending.pk]), sent)

    assert page.status_code == 409
    assert (
        Entry.objects.filter(outcome="refused", action_type="adjustment_decision").get().actor_id == approver.actor.id
    )
