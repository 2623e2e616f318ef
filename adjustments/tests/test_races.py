"""Two at once: one wins, the other is told who was first. All start at a barrier, each on connections of its own."""

import threading
from datetime import timedelta

import pytest
from django.db import connections, transaction

from accounts.factories import stepped_up
from adjustments import applying, drafting, workflow
from adjustments.models import Adjustment, Decision
from adjustments.standing import TooLate
from adjustments.states import Outcome, State
from anomalies.factories import AnomalyFactory
from audit.models import Entry
from systems.tests.paperclips.factories import OrderFactory
from systems.tests.paperclips.models import Payment

pytestmark = pytest.mark.django_db(transaction=True)

RACES = 50


def race(*runners):
    """What each gave or raised, started together."""
    barrier, answers = threading.Barrier(len(runners)), [None] * len(runners)

    def run(place, runner):
        try:
            barrier.wait(10)
            answers[place] = runner()
        except Exception as raised:
            answers[place] = raised
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(runners)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.fixture
def many(propose, support):
    """Requests about as many orders."""

    def make(count):
        for number in range(1, count + 1):
            OrderFactory(id=number, shipped=True)
            yield propose(drafting.for_anomaly(AnomalyFactory(subject=str(number)), "book_payment"), support)

    return make


def test_of_two_approvers_one_wins_and_the_other_is_told_who(many, approve, approver, second_approver):
    for pending in many(RACES):
        answers = race(lambda it=pending: approve(it, approver), lambda it=pending: approve(it, second_approver))

        [winner] = [answer for answer in answers if isinstance(answer, Adjustment)]
        [loser] = [answer for answer in answers if isinstance(answer, TooLate)]
        assert winner.decisions.get().person.name in str(loser)

    assert Decision.objects.count() == RACES
    assert Entry.objects.filter(action_type="adjustment_approved").count() == RACES


def test_a_double_click_decides_once(many, approve, approver):
    for pending in many(10):
        answers = race(*[lambda it=pending: approve(it, approver)] * 2)

        assert [answer.state for answer in answers] == [State.APPROVED] * 2

    assert Decision.objects.count() == 10


def test_of_approving_rejecting_withdrawing_and_editing_one_happens(
    many, approve, edit, support, approver, second_approver, now
):
    for pending in many(10):
        seen = {"revision": 1, "seen": pending.content_hash, "reason": "No.", "now": now}
        race(
            lambda it=pending: approve(it, approver),
            lambda it=pending, seen=seen: workflow.reject(
                adjustment=it, approver=stepped_up(second_approver, it, now), **seen
            ),
            lambda it=pending: workflow.withdraw(adjustment=it, person=support, reason="No.", now=now),
            lambda it=pending: edit(it, support),
        )

        pending.refresh_from_db()
        told = list(Entry.objects.about("adjustment", pending.pk).values_list("action_type", flat=True))
        assert len([what for what in told if what in END_OF]) == (pending.state in END_OF.values())
        assert all(pending.state == END_OF[what] for what in told if what in END_OF)


END_OF = {
    "adjustment_approved": State.APPROVED,
    "adjustment_rejected": State.REJECTED,
    "adjustment_withdrawn": State.WITHDRAWN,
}


def test_two_proposals_for_one_anomaly_make_one_request(propose, support, approver):
    for number in range(1, 11):
        OrderFactory(id=number, shipped=True)
        target = drafting.for_anomaly(AnomalyFactory(subject=str(number)), "book_payment")
        answers = race(lambda to=target: propose(to, support), lambda to=target: propose(to, approver))

        assert sorted(type(answer).__name__ for answer in answers) == ["Adjustment", "AlreadyProposed"]


def test_three_workers_on_one_request_post_it_once(many, key_table, approve, approver, now):
    later = now + timedelta(minutes=6)
    for pending in many(10):
        approve(pending, approver)
        race(*[lambda it=pending: applying.drive(it.pk, now=later)] * 3)
        applying.drive(pending.pk, now=later)

    assert Payment.objects.count() == 10
    assert Entry.objects.filter(action_type="adjustment_applied").count() == 10
    assert set(Adjustment.objects.values_list("state", flat=True)) == {State.APPLIED}


def test_workers_that_lost_sight_of_each_other_still_post_once(many, key_table, approve, approver, now):
    """Without the console's claim, as after a lost connection: the key in the ledger alone decides."""
    later = now + timedelta(minutes=6)
    for pending in many(10):
        approved = approve(pending, approver)
        line = approved.lines.get()
        asked = [lambda it=approved, one=line: applying._ask_ledger(it, one, Outcome.POSTED, later)] * 3
        answers = race(*asked)

        assert len({str(answer.receipt) for answer in answers}) == 1
    assert Payment.objects.count() == 10


def test_what_another_worker_holds_is_left_to_it(many, key_table, approve, approver, now):
    [approved] = [approve(pending, approver) for pending in many(1)]

    with transaction.atomic(using="owner"):
        Adjustment.objects.using("owner").select_for_update(no_key=True).get(pk=approved.pk)
        applying.drive(approved.pk, now=now + timedelta(minutes=6))

    assert not Payment.objects.exists()
    assert Adjustment.objects.get().state == State.APPROVED
