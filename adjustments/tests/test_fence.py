"""Cancelling many lines behind a fence, against a worker that was asleep: on connections that are really its own."""

import threading
from datetime import timedelta

import pytest
from django.db import connections

from accounts.factories import stepped_up
from adjustments import applying, attention, ledger
from adjustments.models import Adjustment
from adjustments.states import Outcome, State, Verdict
from systems import registry
from systems.tests.paperclips.models import Payment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cancelled(paid_by_three, key_table, support, second_approver, now):
    """Three lines, approved, and two people have asked to cancel."""
    for person in (support, second_approver):
        at = now + timedelta(minutes=7)
        stepped_up(person, paid_by_three, at)
        attention.ask(adjustment=paid_by_three, person=person, verdict=Verdict.CANCEL, reason="All paid.", now=at)
    return paid_by_three


@pytest.fixture
def later(now):
    return now + timedelta(minutes=9)


def elsewhere(work):
    """In a thread, and so on connections of its own."""

    def run():
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def payments():
    return Payment.objects.using("paperclips_writer").count()


def test_a_worker_that_wakes_after_the_fence_posts_none_of_the_lines(cancelled, later):
    lines = list(cancelled.current_lines())
    applying.drive(cancelled.pk, now=later)
    found = []

    def wake():
        asleep = Adjustment.objects.get(pk=cancelled.pk)
        found.extend(applying._ask_ledger(asleep, line, Outcome.POSTED, later).outcome for line in lines)

    elsewhere(wake).join()

    cancelled.refresh_from_db()
    assert cancelled.state == State.CANCELLED
    assert found == [Outcome.VOID] * 3
    assert payments() == 0


def test_a_worker_that_is_posting_is_waited_for_and_what_it_posted_is_not_cancelled(cancelled, later):
    first = cancelled.current_lines().first()
    correction = registry.get("paperclips").correction(cancelled.correction)
    taken, wake = threading.Event(), threading.Event()

    def stall():
        with ledger.writing(registry.get("paperclips")) as cursor:
            told = {"key": first.key, "content_hash": cancelled.content_hash, "outcome": Outcome.POSTED, "now": later}
            ledger.take_key(cursor, **told)
            receipt = correction.post(cursor, first.as_line(), applying.posting(cancelled, first, later))
            ledger.keep_receipt(cursor, key=first.key, receipt=receipt)
            taken.set()
            wake.wait(30)

    stalled = elsewhere(stall)
    taken.wait(30)
    applying.drive(cancelled.pk, now=later)  # the fence waits for the key, and gives up: nothing is decided
    cancelled.refresh_from_db()
    assert cancelled.state == State.APPROVED

    wake.set()
    stalled.join()
    applying.drive(cancelled.pk, now=later)

    cancelled.refresh_from_db()
    assert cancelled.state == State.APPLIED
    assert [line.outcome for line in cancelled.current_lines()] == [Outcome.POSTED, Outcome.VOID, Outcome.VOID]
    assert payments() == 1
