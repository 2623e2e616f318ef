"""Thousands of sequences of everything that can happen to requests, beside a reference of a page; no divergence."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, core, settings
from hypothesis.stateful import run_state_machine_as_test

from adjustments import applying, expiry, ledger, workflow
from adjustments.models import Adjustment
from adjustments.standing import say
from adjustments.states import MOVES, Outcome, State, Verdict
from anomalies.models import Anomaly
from audit.log import acting
from proofs.modelling.cost import spent
from proofs.modelling.halves import in_two
from proofs.modelling.machine import ALIASES, ORDERS, SAW, Console
from proofs.shop import Shop

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "stateful model"
STEPS = 50
# In which share of the sequences at least a request must have come so far.
FEW = {"approved": 1 / 3, "applied": 1 / 5}
ANY = dict.fromkeys(FEW, 0.01)  # in a small run
RARER = ("rejected", "withdrawn", "expired", "cancelled", "needs_attention", "partly posted")
FLOORS = {**FEW, **dict.fromkeys(RARER, 0.01)}
MOVED = [f"move: {before} -> {after}" for before, ends in MOVES.items() for after in ends if before != after]


@pytest.fixture
def machine(support, approver, second_approver, third_approver, admin, second_admin, key_table):
    """With its people and its shop; what was done is counted in its ``steps``."""
    begin = timezone.now() - timedelta(days=400)  # sequences go months ahead, never to where the clock stands
    people = {"ken": support, "aiko": approver, "daniel": second_approver, "ines": third_approver}
    people |= {"admin": admin, "second_admin": second_admin}
    Shop(proposer=support, now=begin).anomalies(ORDERS)

    class Machine(Console):
        TestCase = None

    Machine.people = {name: person.pk for name, person in people.items()}
    Machine.anomalies = {int(anomaly.subject): anomaly for anomaly in Anomaly.objects.all()}
    Machine.begin, Machine.steps = begin, Counter()
    return Machine


@pytest.fixture
def prove(machine, seed, monkeypatch):
    """So many sequences. Returns what was done how often."""

    def prove(sequences, phases=(Phase.generate, Phase.shrink), half=0):
        monkeypatch.setattr(core, "global_force_seed", seed + half)
        begun = spent(*ALIASES)
        how = settings(
            max_examples=sequences,
            stateful_step_count=STEPS,
            phases=phases,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(machine, settings=how)
        machine.steps["milliseconds"] = round(1000 * (spent(*ALIASES) - begun))
        return machine.steps

    return prove


def reach(done):
    """Of how many sequences something was true, as shares of them all."""
    return {what: done[f"{SAW}{what}"] / done["sequences"] for what in FLOORS}


def falls_short(done, floors):
    """A model that drives nothing proves nothing."""
    shares = reach(done)
    states = [
        f"{what} in {shares[what]:.1%} of the sequences" for what, floor in floors.items() if shares[what] < floor
    ]
    moves = [move for move in MOVED if floors is FLOORS and not done[move]]
    return [*states, *moves]


@pytest.mark.proof(NAME)
def test_whatever_happens_the_console_says_what_the_reference_says(prove, times, figure, aloud, full_size):
    sequences = times(full=3_000, small=8)

    done = in_two(lambda half: prove(sequences // 2, half=half)) if full_size else prove(sequences)

    aloud("\n".join(f"  {count:9,} {what}" for what, count in sorted(done.items())))
    seen = ", ".join(f"{what} {share:.0%}" for what, share in reach(done).items())
    cost = f"{done['milliseconds'] / done['steps']:.0f} ms of processor each"
    figure(
        f"{sequences:,} sequences x {STEPS}: {done['steps']:,} steps ({cost}), 0 divergence; sequences that saw: {seen}"
    )
    short = falls_short(done, FLOORS if full_size else ANY)
    assert not short, f"it hardly saw {short}"


# Planted -------------------------------------------------------------------------------------------------------------


def reject_whatever_it_is(*, adjustment, approver, revision, seen, reason, now):
    with acting(approver.actor, reason=reason):
        current = Adjustment.objects.get(pk=adjustment.pk)
        say(current, approver, Verdict.REJECT, reason, now)
        Adjustment.objects.filter(pk=adjustment.pk).update(state=State.REJECTED, closed_at=now)


def without_the_states_guard(planted):
    planted.function(workflow, "reject", reject_whatever_it_is)
    planted.body("adjustments_guard_decision", "request.state <> 'pending' or new.at >= request.approve_by", "false")
    planted.body("adjustments_guard_request", "not adjustments_may_move(old.state, new.state)", "false")


def anybody_withdraws(planted):
    verb = workflow.withdraw

    def withdraw(*, adjustment, person, reason, now):
        return verb(adjustment=adjustment, person=adjustment.proposed_by, reason=reason, now=now)

    planted.function(workflow, "withdraw", withdraw)


def what_was_seen_does_not_matter(planted):
    verb = workflow.approve

    def approve(*, adjustment, revision, seen, **told):
        now = Adjustment.objects.get(pk=adjustment.pk)
        return verb(adjustment=now, revision=now.revision, seen=now.content_hash, **told)

    planted.function(workflow, "approve", approve)


def own_hands_do_not_matter(planted):
    planted.function(workflow, "hands", lambda adjustment: set())
    planted.body("adjustments_guard_decision", "adjustments_had_a_hand(new.adjustment_id, new.person_id)", "false")
    planted.body("adjustments_guard_request", "< new.approvals_needed", "< 0")


def deadlines_do_not_matter(planted):
    def everything_pending(self, now):
        return self.pending()

    planted.function(type(Adjustment.objects.all()), "overdue_for_approval", everything_pending)
    planted.function(expiry, "_expire", expire_at_once)
    planted.body("adjustments_guard_request", "new.state = 'expired' and new.closed_at <", "false and new.closed_at <")


def expire_at_once(pk, now):
    with acting(expiry.EXPIRER):
        return Adjustment.objects.filter(pk=pk, state=State.PENDING).update(state=State.EXPIRED, closed_at=now)


def one_asks_to_cancel(planted):
    def asked(adjustment):
        return adjustment.decisions.filter(attempt=adjustment.attempt, verdict=Verdict.CANCEL).exists()

    planted.function(applying, "asked_to_cancel", asked)
    planted.body(
        "adjustments_guard_request",
        "new.state = 'cancelled' and not adjustments_two_asked(new.id, new.revision, old.attempt, 'cancel')",
        "false",
    )


def the_worker_sees_no_freeze(planted):
    planted.function(applying.holding, "freeze_on", lambda line: None)
    planted.without_trigger("adjustments_adjustmentline", "adjustments_guard_freeze")


def noted_before_it_is_posted(planted):
    def say_so(adjustment, line, wanted, now):
        return applying.Answer(outcome=wanted, receipt={}, at=now) if wanted == Outcome.POSTED else None

    planted.function(applying, "_ask_ledger", say_so)


def the_key_is_not_taken(planted):
    planted.function(ledger, "take_key", lambda cursor, **named: True)


def moves_do_not_record_themselves(planted):
    planted.without_trigger("adjustments_adjustment", "adjustments_record")


APPROVED = (("propose", "ken", 1), ("approve_by", "aiko", 0, False))
TWO_ASK = (("ask", "ken", 0, "cancel"), ("ask", "daniel", 0, "cancel"))
# A defect, and the shortest way to see it; at full size the machine has to find a way by itself.
DEFECTS = {
    without_the_states_guard: (*APPROVED, ("reject", "daniel", 0, False)),
    anybody_withdraws: (("propose", "ken", 1), ("withdraw", "aiko", 0)),
    what_was_seen_does_not_matter: (("propose", "ken", 1), ("edit", "ken", 0, False), ("approve_by", "aiko", 0, True)),
    own_hands_do_not_matter: (("propose", "ken", 1), ("edit", "aiko", 0, False), ("approve_by", "aiko", 0, False)),
    deadlines_do_not_matter: (("propose", "ken", 1), ("expire",)),
    one_asks_to_cancel: (*APPROVED, ("ask", "ken", 0, "cancel"), ("drive", 0)),
    the_worker_sees_no_freeze: (*APPROVED, ("freeze_or_thaw",), ("drive", 0)),
    noted_before_it_is_posted: (*APPROVED, ("drive", 0)),
    the_key_is_not_taken: (*APPROVED, ("drive", 0)),
    moves_do_not_record_themselves: (("propose", "ken", 1), ("withdraw", "ken", 0)),
}


@pytest.fixture
def walk(machine):
    """Steps that are given, looked at as after any other."""

    def walk(steps):
        console = machine()
        try:
            for name, *arguments in steps:
                getattr(console, name)(*arguments)
                console.each_request_is_where_the_reference_has_it()
                console.no_rule_is_broken()
        finally:
            console.teardown()

    return walk


@pytest.mark.sensitivity(NAME)
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_a_wrong_transition_is_seen(prove, walk, planted, caught, defect, full_size):
    walk(DEFECTS[defect][:-1])  # without the defect nothing is wrong on the way there
    defect(planted)

    with caught(defect.__name__.replace("_", " "), match="broken|instead of|the ledger|the console has"):
        prove(300, phases=[Phase.generate]) if full_size else walk(DEFECTS[defect])


@pytest.mark.sensitivity(NAME)
def test_the_shortest_ways_are_legal_without_a_defect(walk, figure):
    for steps in DEFECTS.values():
        walk(steps)
    figure(f"{len(DEFECTS)} ways to a defect walked without one: nothing seen")
