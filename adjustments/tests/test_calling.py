"""A call to an outside interface has its effect once, whatever the other side answers, and whoever dies meanwhile.

The other side is a real server on 127.0.0.1, and the worker that dies is a process that is really killed.
"""

import signal
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.factories import stepped_up
from adjustments import applying, attention, drafting
from adjustments.elsewhere import calling
from adjustments.elsewhere.models import CallState, RemoteCall
from adjustments.states import Outcome, State, Verdict
from adjustments.tests.test_crashes import dying, in_a_process_of_its_own
from systems import registry
from systems.tests.paperclips.factories import OrderFactory
from systems.tests.paperclips.teller import open_bank

pytestmark = pytest.mark.django_db


@pytest.fixture
def teller(settings):
    with open_bank(settings) as teller:
        yield teller


@pytest.fixture
def back(order, propose, approve, support, approver):
    """An approved request to pay back 500 JPY; it wants no key table and no writer."""
    target = drafting.for_subject(registry.get("paperclips"), "order", str(order.id), "pay_back")
    return approve(propose(target, support), approver)


@pytest.fixture
def drive(back, now):
    """Drives it ``minutes`` after the proposal, and reads it again."""

    def drive(minutes=6):
        applying.drive(back.pk, now=now + timedelta(minutes=minutes))
        back.refresh_from_db()
        return back

    return drive


def line_of(adjustment):
    return adjustment.current_lines().get()


def call():
    return RemoteCall.objects.get()


def test_it_is_sent_read_back_and_applied_with_the_other_sides_receipt(back, drive, teller):
    assert drive().state == State.APPLIED

    assert line_of(back).receipt == {"refund": 1, "amount": 500}
    assert (call().state, call().send_count) == (CallState.DONE, 1)
    assert teller.payments == [str(line_of(back).key)]


def test_the_intent_is_committed_before_anything_leaves(back, drive, teller, monkeypatch):
    seen = []

    def watching(line, posting):
        seen.append(call().state)

    told = replace(registry.get("paperclips").correction("pay_back"), send=watching)
    monkeypatch.setattr(calling, "_correction", lambda adjustment: told)

    drive()

    assert seen == [CallState.INTENDED]


@pytest.mark.parametrize("manner", ["lose_answer", "slow", "fail_after"])
def test_an_answer_that_is_lost_is_read_back_and_not_sent_again(back, drive, teller, manner):
    teller.manners = [f"PUT {manner}"]

    assert drive().state == State.APPLIED
    assert teller.asked["PUT", str(line_of(back).key)] == 1
    assert len(teller.payments) == 1


@pytest.mark.parametrize("manner", ["lose_question", "fail_before"])
def test_a_question_that_is_lost_is_sent_again_with_the_same_key_after_a_read_back(back, drive, teller, manner):
    teller.manners = [f"PUT {manner}"]

    assert drive().state == State.APPROVED
    assert call().state == CallState.UNSENT
    assert drive(8).state == State.APPLIED

    assert call().send_count == 2
    assert len(teller.payments) == 1


def test_while_the_other_side_cannot_be_asked_the_outcome_is_unknown_and_nothing_is_sent(back, drive, teller):
    teller.manners = ["PUT lose_answer", "GET fail", "GET fail", "GET fail"]

    for minutes in (6, 10, 20):
        assert drive(minutes).state == State.APPROVED
        assert call().state == CallState.UNKNOWN
    assert "is not known" in back.obstacle

    assert drive(30).state == State.APPLIED
    assert teller.asked["PUT", str(line_of(back).key)] == 1


def test_an_outcome_that_stays_unknown_calls_people_and_is_still_asked_for(back, drive, teller):
    teller.manners = ["PUT lose_answer", "GET fail", "GET fail"]

    drive()
    assert drive(90).state == State.NEEDS_ATTENTION
    assert drive(95).state == State.APPLIED


def test_a_refusal_is_for_good(back, drive, teller):
    teller.manners = ["PUT refuse"]

    assert drive().state == State.NEEDS_ATTENTION
    assert "account closed" in back.obstacle

    drive(30)
    assert teller.asked["PUT", str(line_of(back).key)] == 1


def test_beyond_the_time_in_which_keys_are_known_nothing_is_sent_again(back, drive, teller, monkeypatch):
    forgets = replace(registry.get("paperclips").correction("pay_back"), keys_kept=timedelta(minutes=10))
    monkeypatch.setattr(calling, "_correction", lambda adjustment: forgets)
    teller.manners = ["PUT lose_question"]
    drive()

    assert drive(16).state == State.NEEDS_ATTENTION
    assert "may not know its key" in back.obstacle
    assert teller.payments == []


def test_patience_grows_and_ends_with_people(back, drive, teller):
    teller.manners = ["PUT lose_question"] * 20

    for minutes in range(6, 60):
        drive(minutes)

    assert call().send_count == calling.MOST_SENDS
    assert back.state == State.NEEDS_ATTENTION
    assert "still says that it is not there" in back.obstacle


def test_what_moved_since_it_was_signed_is_not_sent(back, drive, teller, order):
    type(order).objects.using("paperclips_writer").filter(pk=order.pk).update(total=501)

    assert drive().state == State.NEEDS_ATTENTION
    assert teller.asked == {}


# Cancelling ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def cancel(back, support, second_approver, now):
    def cancel(minutes):
        for person in (support, second_approver):
            at = now + timedelta(minutes=minutes)
            stepped_up(person, back, at)
            attention.ask(adjustment=back, person=person, verdict=Verdict.CANCEL, reason="The customer paid.", now=at)

    return cancel


def test_what_was_never_intended_is_cancelled_at_once_and_for_good(back, drive, teller, cancel):
    cancel(6)

    assert drive(7).state == State.CANCELLED
    assert call().state == CallState.VOID
    assert teller.asked == {}


def test_what_may_be_on_its_way_is_cancelled_only_when_it_can_no_longer_arrive(back, drive, teller, cancel):
    teller.manners = ["PUT lose_question"]
    drive()
    cancel(7)

    assert drive(8).state == State.APPROVED
    assert drive(15).state == State.APPROVED
    assert drive(17).state == State.CANCELLED
    assert teller.payments == []


def test_what_arrived_after_all_is_applied_and_not_cancelled(back, drive, teller, cancel):
    teller.manners = ["PUT lose_answer", "GET fail"]
    drive()
    cancel(7)

    assert drive(8).state == State.APPLIED


def test_a_sender_that_slept_too_long_sends_nothing(back, teller, now, monkeypatch):
    line = line_of(back)
    sending = calling._intend(back.pk, line.pk, now + timedelta(minutes=6))
    slept = sending.begun + calling.HAND.total_seconds() + 1
    monkeypatch.setattr(calling, "monotonic", lambda: slept)

    assert calling._send(back.pk, sending, now) is False
    assert teller.asked == {}


# Killed --------------------------------------------------------------------------------------------------------------

POINTS = {
    "before the intent": (calling, "_intend", "before", 0),
    "with the intent committed": (calling, "_send", "before", 0),
    "with it sent, not read back": (calling, "_read_back", "before", 1),
    "with it read back, not noted": (calling, "_posted", "before", 1),
    "with it noted, not finished": (applying, "_finish", "before", 1),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", POINTS)
def test_whoever_is_killed_there_it_happens_once(back, drive, teller, point, now):
    module, name, when, sent = POINTS[point]

    def work():
        dying(module, name, when)
        applying.drive(back.pk, now=now + timedelta(minutes=6))

    assert in_a_process_of_its_own(work) == -signal.SIGKILL
    assert len(teller.payments) == sent

    for minutes in (9, 12):
        drive(minutes)
    assert back.state == State.APPLIED
    assert len(teller.payments) == 1


@pytest.mark.django_db(transaction=True)
def test_with_a_bank_that_knows_no_keys_a_blind_retry_would_be_seen_to_pay_twice(back, drive, teller, monkeypatch, now):
    """So these tests can see it: the read-back that says “not there” is what a sender without one would believe."""
    teller.forgetful = True
    teller.manners = ["PUT lose_answer"]
    monkeypatch.setattr(calling, "_read_back", lambda pk, line, now: calling._learn(line, state=CallState.UNSENT))

    drive()
    drive(8)

    assert len(teller.payments) == 2


# What the database forbids -------------------------------------------------------------------------------------------


def test_no_path_sends_again_without_a_read_back(back, drive, teller):
    teller.manners = ["PUT lose_answer", "GET fail"]
    drive()

    with pytest.raises(IntegrityError, match="read back before"), transaction.atomic():
        RemoteCall.objects.update(state=CallState.INTENDED, send_count=2)


def test_no_path_gives_up_what_may_have_happened(back, drive, teller):
    teller.manners = ["PUT lose_answer", "GET fail"]
    drive()

    with pytest.raises(IntegrityError, match="known not to be there"), transaction.atomic():
        RemoteCall.objects.update(state=CallState.VOID)
    with pytest.raises(IntegrityError, match="call of this line is unknown"), transaction.atomic():
        back.current_lines().update(outcome=Outcome.VOID)


def test_no_path_intends_what_is_not_approved(order, propose, support, now):
    target = drafting.for_subject(registry.get("paperclips"), "order", str(OrderFactory(id=8).id), "pay_back")
    pending = propose(target, support)
    kept = {"content_hash": pending.content_hash, "first_intended_at": now, "intended_at": now}

    with pytest.raises(IntegrityError, match="begins with the intent"), transaction.atomic():
        RemoteCall.objects.create(line=line_of(pending), **kept)
