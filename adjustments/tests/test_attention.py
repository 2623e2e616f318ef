"""Trying again and cancelling: one person asks, a second one confirms, and the ledger is fenced before the end."""

from datetime import timedelta

import pytest
from django.db import connections
from django.urls import reverse

from accounts.demo import CAST
from accounts.factories import stepped_up
from adjustments import applying, attention
from adjustments.models import Adjustment
from adjustments.standing import Refusal, TooLate
from adjustments.states import Outcome, State, Verdict
from audit.models import Entry
from systems.tests.paperclips.models import Order, Payment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_work")]

HTMX = {"HX-Request": "true"}
SENT = {"reason": "The bank called.", "word": CAST["approver"].password}


@pytest.fixture
def ask(now):
    def ask(adjustment, person, verdict, at=now + timedelta(minutes=8)):
        stepped_up(person, adjustment, at)
        return attention.ask(adjustment=adjustment, person=person, verdict=verdict, reason="The bank called.", now=at)

    return ask


@pytest.fixture
def later(now):
    return now + timedelta(minutes=9)


def keys():
    with connections["paperclips_writer"].cursor() as cursor:
        cursor.execute("select key, outcome from billingadmin_applied")
        return cursor.fetchall()


# To try again --------------------------------------------------------------------------------------------------------


def test_trying_again_takes_two(needing_attention, ask, approver, second_approver):
    assert ask(needing_attention, approver, Verdict.RETRY).state == State.NEEDS_ATTENTION
    assert ask(needing_attention, second_approver, Verdict.RETRY).state == State.APPROVED


def test_tried_again_it_is_posted_once_the_reason_is_gone(needing_attention, ask, approver, second_approver, later):
    Order.objects.using("paperclips_writer").update(state="shipped")
    for person in (approver, second_approver):
        ask(needing_attention, person, Verdict.RETRY)

    applying.drive(needing_attention.pk, now=later)

    assert Adjustment.objects.get().state == State.APPLIED
    assert Payment.objects.count() == 1


def test_tried_again_in_vain_it_takes_two_people_anew(needing_attention, ask, approver, second_approver, later):
    for person in (approver, second_approver):
        ask(needing_attention, person, Verdict.RETRY)
    applying.drive(needing_attention.pk, now=later)

    adjustment = Adjustment.objects.get()
    assert (adjustment.state, adjustment.attempt) == (State.NEEDS_ATTENTION, 2)
    assert ask(adjustment, approver, Verdict.RETRY).state == State.NEEDS_ATTENTION


def test_the_proposer_may_ask_but_an_approver_confirms(needing_attention, ask, support, approver):
    ask(needing_attention, approver, Verdict.RETRY)

    with pytest.raises(attention.NeedsAnother, match="an approver must confirm"):
        ask(needing_attention, support, Verdict.RETRY)


def test_two_who_had_a_hand_in_it_are_not_enough(
    target, propose, edit, approve, support, approver, second_approver, key_table, ask, now
):
    edited = edit(propose(target, support), approver)
    approved = approve(edited, second_approver)
    ask(approved, support, Verdict.CANCEL)

    with pytest.raises(attention.NeedsAnother, match="Both of you had a hand"):
        ask(approved, approver, Verdict.CANCEL)


def test_only_what_needs_attention_is_tried_again(approved, ask, approver):
    with pytest.raises(TooLate):
        ask(approved, approver, Verdict.RETRY)


def test_it_needs_a_reason(needing_attention, approver, now):
    with pytest.raises(Refusal, match="a few words"):
        attention.ask(adjustment=needing_attention, person=approver, verdict=Verdict.RETRY, reason=" ", now=now)


# To cancel -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def cancelled(approved, key_table, ask, support, second_approver):
    ask(approved, support, Verdict.CANCEL)
    return ask(approved, second_approver, Verdict.CANCEL)


def test_cancelling_waits_for_the_fence(cancelled):
    assert cancelled.state == State.APPROVED


def test_the_worker_puts_a_void_key_into_the_ledger_first(cancelled, later):
    applying.drive(cancelled.pk, now=later)

    adjustment = Adjustment.objects.get()
    assert (adjustment.state, adjustment.closed_at) == (State.CANCELLED, later)
    assert keys() == [(adjustment.lines.get().key, "void")]
    assert not Payment.objects.exists()


def test_a_stalled_worker_meets_the_fence(cancelled, later):
    """What a worker that was held up for minutes would do last: it finds the void key and posts nothing."""
    applying.drive(cancelled.pk, now=later)
    line = cancelled.lines.get()

    late = applying._ask_ledger(cancelled, line, Outcome.POSTED, later)

    assert late.outcome == Outcome.VOID
    assert not Payment.objects.exists()


def test_what_is_posted_already_cannot_be_cancelled(cancelled, later, monkeypatch):
    with monkeypatch.context() as unaware:
        unaware.setattr(applying, "asked_to_cancel", lambda adjustment: False)
        applying._step(cancelled.pk, 0, now=later)

    applying.drive(cancelled.pk, now=later)

    assert Adjustment.objects.get().state == State.APPLIED
    assert Payment.objects.count() == 1


def test_what_needs_attention_can_be_cancelled(needing_attention, ask, approver, second_approver, later):
    for person in (approver, second_approver):
        ask(needing_attention, person, Verdict.CANCEL)
    applying.drive(needing_attention.pk, now=later)

    assert Adjustment.objects.get().state == State.CANCELLED
    assert [outcome for _key, outcome in keys()] == ["void"]


def test_a_cancelled_request_may_be_asked_for_again(cancelled, later, target, propose, support):
    applying.drive(cancelled.pk, now=later)

    assert propose(target, support).state == State.PENDING


def test_asking_is_recorded(cancelled, support, second_approver):
    told = Entry.objects.about("adjustment", cancelled.pk).filter(action_type="adjustment_cancel_asked")

    assert {entry.actor_id for entry in told} == {support.actor.id, second_approver.actor.id}
    assert {entry.reason for entry in told} == {"The bank called."}


# In the browser ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_the_page_answers(needing_attention, support_client, approver_client, verb):
    url = reverse(f"adjustments:{verb}", args=[needing_attention.pk])

    by_support = SENT | {"word": CAST["support"].password}
    assert support_client.post(url, by_support).url == needing_attention.get_absolute_url()
    answer = approver_client.post(url, SENT, headers=HTMX)

    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div class="stack region" id="request"')
    assert Adjustment.objects.get().decisions.filter(verdict=verb).count() == 2


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_asking_twice_is_calm(needing_attention, approver_client, verb):
    url = reverse(f"adjustments:{verb}", args=[needing_attention.pk])

    assert [approver_client.post(url, SENT).status_code for _ in range(2)] == [302, 302]
    assert Adjustment.objects.get().decisions.filter(verdict=verb).count() == 1


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_they_refuse_get_and_readers(needing_attention, approver_client, manager_client, auditor_client, verb):
    url = reverse(f"adjustments:{verb}", args=[needing_attention.pk])

    assert approver_client.get(url).status_code == 405
    assert manager_client.post(url, SENT).status_code == 403
    assert auditor_client.post(url, SENT).status_code == 403


def test_too_late_is_told(applied, approver_client):
    answer = approver_client.post(reverse("adjustments:cancel", args=[applied.pk]), SENT)

    assert answer.status_code == 409
    assert "and applied at" in answer.text
