"""A freeze is set while approvals and postings run: once it is committed, nothing it holds is approved or posted.

Whoever freezes looks, right after the commit, at what the ledger and the decisions hold. Whatever is there later and
was not there then was committed under the freeze. In a third of the trials all start together; in the others posting or
approving stands still inside of its transaction, having asked and not yet committed, until the freeze waits for it.
"""

import multiprocessing
import random
import time
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import connection, transaction

from adjustments import applying, drafting, ledger, workflow
from adjustments.freezes import freezing
from adjustments.freezes.models import Scope
from adjustments.models import Adjustment, Decision
from adjustments.standing import Refusal
from adjustments.states import State
from anomalies.factories import AnomalyFactory
from proofs.racing import DONE, Crew
from systems.tests.paperclips.factories import OrderFactory
from systems.tests.paperclips.models import Order, Payment

pytestmark = pytest.mark.django_db(transaction=True)

FORK = multiprocessing.get_context("fork")
BATCH = 100
WAITING = """select exists (select from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database()))"""
TOO_LONG = 20  # seconds
LONGEST = 0.15  # seconds after the start at which the freeze begins


@dataclass
class Trial:
    """One customer: what is to be posted and what is to be approved while all of it is frozen."""

    customer: str
    approved: Adjustment
    pending: Adjustment
    seen: tuple = ()
    answers: tuple = ()

    @property
    def orders(self):
        return [int(self.approved.subject), int(self.pending.subject)]

    def there_is(self):
        """How many ledger rows, and how many approvals of what was pending."""
        rows = Payment.objects.using("paperclips_writer").filter(order_id__in=self.orders).count()
        return rows, Decision.objects.filter(adjustment=self.pending).count()


@dataclass
class Tally:
    trials: int = 0
    posted: int = 0
    late_rows: int = 0
    late_approvals: int = 0
    errors: list = field(default_factory=list)

    def add(self, trial):
        rows, approvals = trial.there_is()
        self.trials += 1
        self.posted += trial.seen[0]
        self.late_rows += rows - trial.seen[0]
        self.late_approvals += approvals - trial.seen[1]
        self.errors += [answer for answer in trial.answers if answer.kind not in (DONE, "Frozen")]

    def __str__(self):
        return (
            f"{self.trials:,} freezes: {self.posted:,} posted before, {self.late_rows} ledger rows and "
            f"{self.late_approvals} approvals committed after the freeze, {len(self.errors)} errors"
        )

    def hold(self):
        assert not self.late_rows, f"posted under a freeze: {self}"
        assert not self.late_approvals, f"approved under a freeze: {self}"
        assert not self.errors, f"somebody met an error: {self} {self.errors[:3]}"


class Standstill:
    """One stands still in the midst of its transaction until the freeze waits for it, or has not waited."""

    def __init__(self):
        self.inside, self.frozen = FORK.Barrier(2), FORK.Value("i", 0)

    def stand(self):
        before = self.frozen.value
        self.inside.wait(TOO_LONG)
        for _look in range(TOO_LONG * 100):
            if self.frozen.value != before or self._is_waited_for():
                return
            time.sleep(0.01)

    def _is_waited_for(self):
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            return cursor.fetchone()[0]


def standing_still(module, name, standstill):
    """Replaces, in the actor's own process, what is done last before the commit."""
    work = getattr(module, name)
    if hasattr(work, "stands_still"):
        return

    def and_stand(*arguments, **named):
        done = work(*arguments, **named)
        standstill.stand()
        return done

    and_stand.stands_still = True
    setattr(module, name, and_stand)


@pytest.fixture
def trials(support, second_approver, propose, approve):
    """Proposed by the verbs, one of each two approved."""
    numbers = iter(range(1, 10**6))

    def make(count):
        with transaction.atomic():  # which is what makes them quick
            return [_trial(next(numbers)) for _ in range(count)]

    def _trial(number):
        customer = f"customer {number}"
        approved, pending = (_proposed(2 * number + one, customer) for one in (0, 1))
        approve(approved, second_approver)
        return Trial(customer=customer, approved=approved, pending=pending)

    def _proposed(number, customer):
        order = OrderFactory.build(id=number, shipped=True, customer=customer)
        Order.objects.using("paperclips_writer").bulk_create([order])
        return propose(drafting.for_anomaly(AnomalyFactory(subject=str(number)), "book_payment"), support)

    return make


@pytest.fixture
def prove(trials, support, approver, approve, key_table, progress, seed, now):
    later = now + timedelta(minutes=6)

    def freeze(trial):
        scope = Scope(system="paperclips", customer=trial.customer)
        for _try in range(10):
            try:
                freezing.freeze(scope=scope, person=support, reason="The prices look wrong.", now=later)
            except freezing.StillPosting:
                continue
            return "{} {}".format(*trial.there_is())
        raise Refusal("It could not be frozen.")

    def freeze_in_between(trial):
        """Posting and approving take a while: before, in the midst of and after it."""
        time.sleep(random.Random(f"{seed} {trial.customer}").uniform(0, LONGEST))
        return freeze(trial)

    def post(trial):
        return applying.drive(trial.approved.pk, now=later)

    def give(trial):
        return approve(trial.pending, approver).state

    def still_posting(standstill):
        def act(trial):
            standing_still(ledger, "keep_receipt", standstill)
            return post(trial)

        return act

    def still_approving(standstill):
        def act(trial):
            standing_still(workflow, "say", standstill)
            return give(trial)

        return act

    def freezing_at(standstill):
        def act(trial):
            standstill.inside.wait(TOO_LONG)
            try:
                return freeze(trial)
            finally:
                standstill.frozen.value += 1

        return act

    def casts():
        posting, approving = Standstill(), Standstill()
        return {
            "together": (freeze_in_between, post, give),
            "inside of posting": (freezing_at(posting), still_posting(posting)),
            "inside of approving": (freezing_at(approving), still_approving(approving)),
        }

    def prove(count, kinds=("together", "inside of posting", "inside of approving")):
        tally = Tally()
        for kind in kinds:
            with Crew(*casts()[kind], seed=seed) as crew:
                for first in progress(range(0, count, BATCH)):
                    made = trials(min(BATCH, count - first))
                    for trial, answers in zip(made, crew.race(made), strict=True):
                        trial.answers = answers
                        trial.seen = tuple(map(int, answers[0].text.split())) if answers[0].kind == DONE else (0, 0)
                        applying.drive(trial.approved.pk, now=later)  # what the recovery would do, under the freeze
                        applying.drive(trial.pending.pk, now=later)
                        tally.add(trial)
        return tally

    return prove


@pytest.mark.proof("freeze")
def test_nothing_is_committed_after_the_freeze_is(times, figure, prove):
    tally = prove(times(full=334, small=3))  # of each kind

    figure(str(tally))
    tally.hold()
    assert Adjustment.objects.filter(state=State.APPROVED).exists()  # some came too late, and wait


@pytest.mark.sensitivity("freeze")
def test_a_worker_that_takes_no_lock_would_be_seen(planted, caught, prove):
    planted.body("adjustments_freeze_on", "perform pg_advisory_xact_lock_shared(adjustments_freeze_lock());", "")

    with caught("posting asks without the lock", match="posted under a freeze"):
        prove(3, ["inside of posting"]).hold()


@pytest.mark.sensitivity("freeze")
def test_a_freeze_that_waits_for_nobody_would_be_seen(planted, caught, prove):
    planted.body("adjustments_guard_freeze_itself", "perform pg_advisory_xact_lock(adjustments_freeze_lock());", "")
    planted.function(freezing, "_wait_for_postings", lambda: None)

    with caught("the freeze does not wait", match="under a freeze"):
        prove(3, ["inside of posting", "inside of approving"]).hold()


@pytest.mark.sensitivity("freeze")
def test_a_worker_that_does_not_ask_would_be_seen(planted, caught, prove):
    planted.function(applying.holding, "freeze_on", lambda line: None)

    with caught("the worker does not ask", match="posted under a freeze"):
        prove(3, ["inside of posting", "together"]).hold()


@pytest.mark.sensitivity("freeze")
def test_approving_without_the_trigger_would_be_seen(planted, caught, prove):
    for table in ("adjustments_decision", "adjustments_adjustment"):
        planted.without_trigger(table, "adjustments_guard_freeze")

    with caught("the decision's guard is away", match="approved under a freeze"):
        prove(3, ["inside of approving"]).hold()
