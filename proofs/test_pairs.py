"""Every two of the moves that compete for one request, at once: it ends where the rules let it, and the audit log,
replayed, tells how.

A race begins with a pending request; where cancelling takes part, every other one begins approved, with one of the two
people needed having asked.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations

import pytest
from django.utils import timezone

from accounts.factories import stepped_up
from adjustments import applying, attention, expiry, workflow
from adjustments.freezes import freezing
from adjustments.freezes.models import Freeze, Scope
from adjustments.models import Adjustment
from adjustments.standing import TooLate, say
from adjustments.states import MOVES, Outcome, State, Verdict
from audit.log import acting
from audit.models import Entry
from proofs.racing import DONE, Crew
from proofs.shop import Shop
from systems.tests.paperclips.models import Payment

pytestmark = pytest.mark.django_db(transaction=True)

BATCH = 210
NAMES = ("approve", "reject", "withdraw", "edit", "expire", "freeze", "cancel")
PAIRS = list(combinations(NAMES, 2))
REFUSED = {"TooLate", "Changed", "NotAllowed", "Frozen"}
ENTRY = {
    "approve": "adjustment_approved",
    "reject": "adjustment_rejected",
    "withdraw": "adjustment_withdrawn",
    "edit": "adjustment_edited",
    "expire": "adjustment_expired",
    "freeze": "freeze_set",
    "cancel": "adjustment_cancel_asked",
}
# Where a request may be when everything is over, by what was done to it last.
ENDS = {
    "adjustment_proposed": State.PENDING,
    "adjustment_edited": State.PENDING,
    "adjustment_applied": State.APPLIED,
    "adjustment_rejected": State.REJECTED,
    "adjustment_withdrawn": State.WITHDRAWN,
    "adjustment_expired": State.EXPIRED,
    "adjustment_cancelled": State.CANCELLED,
}


@dataclass
class Story:
    """One race: who was told what, and what the audit log has, in order."""

    pair: tuple
    answers: tuple
    adjustment: Adjustment
    began: State
    entries: list = field(default_factory=list)
    posted_under_freeze: bool = False

    @property
    def moves(self):
        return [entry for entry in self.entries if "state" in entry.metadata.get("before", {})]

    def wrong(self):
        yield from self._illegal()
        yield from self._replayed()
        yield from self._told()

    def _illegal(self):
        last = self.moves[-1].action_type if self.moves else "nothing"
        if ENDS.get(last) != self.adjustment.state:
            yield f"an illegal end: {self.adjustment.state} after {last}"
        outcomes = set(self.adjustment.current_lines().values_list("outcome", flat=True))
        if (Outcome.POSTED in outcomes) != (self.adjustment.state == State.APPLIED):
            yield f"an illegal end: {self.adjustment.state} with lines {outcomes}"
        asked = self.began == State.APPROVED and "cancel" in self.pair
        if asked and self.adjustment.state not in (State.CANCELLED, State.EXPIRED):
            yield f"an illegal end: {self.adjustment.state} although two asked to cancel"
        if self.posted_under_freeze:
            yield "an illegal end: posted under a freeze"

    def _replayed(self):
        """From nothing to where it is, each step from where the last one ended."""
        state = None
        for entry in self.moves:
            before, after = entry.metadata["before"]["state"], entry.metadata["after"]["state"]
            legal = before == after or (before is None and after == State.PENDING) or after in MOVES[State(before)]
            if before != state or not legal:
                yield f"the log tells another story: {entry.action_type} from {before} to {after}, after {state}"
            state = after
        if state != self.adjustment.state:
            yield f"the log tells another story: it ends with {state}, the request is {self.adjustment.state}"

    def _told(self):
        """Whoever was told that it is done finds it in the log, and nobody else."""
        done = Counter(entry.action_type for entry in self.entries)
        for name, answer in zip(self.pair, self.answers, strict=True):
            if answer.kind not in {DONE, *REFUSED}:
                yield f"an error: {name} met {answer.kind} {answer.text[:200]}"
            before = self.began == State.APPROVED and name in ("approve", "cancel")
            expected = (answer.kind == DONE) + before
            if done[ENTRY[name]] != expected:
                yield f"told wrongly: {name} was answered {answer.kind}, the log has {done[ENTRY[name]]}"
        if all(answer.kind != DONE for answer in self.answers):
            yield f"nobody won: {self.answers}"


@pytest.fixture
def now():
    """A freeze holds what is posted after it by the database's clock: here the clocks agree."""
    return timezone.now()


@pytest.fixture
def moves(support, approver, second_approver, third_approver, edit):
    """Each as the person whose move it is. The deadline passes between the last approval and the expiry."""

    def decided(verdict, person, **more):
        def act(it):
            seen = {"revision": it.revision, "seen": it.content_hash, "now": it.approve_by - timedelta(seconds=1)}
            stepped_up(person, it, seen["now"])
            return getattr(workflow, verdict)(adjustment=it, approver=person, **seen, **more)

        return act

    def expired(it):
        if it.state == State.APPROVED:
            applying.drive(it.pk, now=it.apply_by)
            done = Entry.objects.about("adjustment", it.pk).filter(action_type=ENTRY["expire"]).exists()
        else:
            done = expiry._expire(it.pk, it.approve_by)
        if not done:
            raise TooLate("There was nothing to expire.")

    def cancelled(it):
        asked = {"verdict": Verdict.CANCEL, "reason": "It is not owed.", "now": it.approve_by - timedelta(seconds=1)}
        attention.ask(adjustment=it, person=stepped_up(approver, it, asked["now"]), **asked)

    def withdrawn(it):
        at = it.approve_by - timedelta(seconds=1)
        workflow.withdraw(adjustment=it, person=support, reason="It was paid meanwhile.", now=at)

    def frozen(it):
        scope = Scope(system=it.system, correction=it.correction)
        freezing.freeze(scope=scope, person=approver, reason="The till is being counted.", now=timezone.now())

    return {
        "approve": decided("approve", third_approver),
        "reject": decided("reject", second_approver, reason="Another amount."),
        "withdraw": withdrawn,
        "edit": lambda it: edit(it, support, at=it.approve_by - timedelta(seconds=1)),
        "expire": expired,
        "freeze": frozen,
        "cancel": cancelled,
    }


@pytest.fixture
def prepared(support, approver, approve, now):
    """As a race of this pair begins."""

    def begin(pair, place, it):
        if "cancel" in pair and place % 2:
            it = approve(it, approver)
            asked = {"verdict": Verdict.CANCEL, "reason": "It was paid meanwhile.", "now": now + timedelta(minutes=6)}
            it = attention.ask(adjustment=it, person=stepped_up(support, it, asked["now"]), **asked)
        return it

    return begin


@dataclass
class Tally:
    races: int = 0
    counts: dict = field(default_factory=dict)
    wrong: list = field(default_factory=list)

    def add(self, story):
        self.races += 1
        ends = self.counts.setdefault(" x ".join(sorted(story.pair, key=NAMES.index)), Counter())
        ends[str(story.adjustment.state)] += 1
        self.wrong += [f"{' x '.join(story.pair)}: {what}" for what in story.wrong()]

    def table(self):
        return [
            f"  {pair:22} " + ", ".join(f"{count} {state}" for state, count in sorted(ends.items()))
            for pair, ends in self.counts.items()
        ]

    def __str__(self):
        return f"{len(self.counts)} pairs, {self.races:,} races: {len(self.wrong)} illegal end states or stories"

    def hold(self):
        assert not self.wrong, f"{self.wrong[0]}; {self}\n" + "\n".join(self.wrong[1:5])


@pytest.fixture
def thaw(approver, second_approver):
    """Whatever is frozen: one asks, another confirms."""

    def thaw():
        for frozen in Freeze.objects.active():
            told = {"reason": "It is counted.", "now": timezone.now()}
            asked = freezing.ask(freeze=frozen, person=approver, **told)
            freezing.confirm(thaw=asked, person=second_approver, now=timezone.now())

    return thaw


@pytest.fixture
def prove(moves, prepared, thaw, support, key_table, now, progress, seed, chance):
    """So many races of each pair, in an order of chance. A freeze holds all, so that such a race is run alone."""

    def prove(count, pairs=PAIRS):
        shop, tally = Shop(proposer=support, now=now), Tally()
        races = [(chance.sample(pair, 2), place) for pair in pairs for place in range(count)]
        chance.shuffle(races)
        actors = [lambda track, place=place: moves[track[0][place]](track[1]) for place in (0, 1)]
        with Crew(*actors, seed=seed) as crew:
            for first in progress(range(0, len(races), BATCH)):
                batch = races[first : first + BATCH]
                requests = zip(batch, shop.requests(len(batch)), strict=True)
                tracks = [(pair, prepared(pair, place, it)) for (pair, place), it in requests]
                freezes = [track for track in tracks if "freeze" in track[0]]
                for together in ([track for track in tracks if track not in freezes], *([one] for one in freezes)):
                    for story in stories(together, crew.race(together), thaw):
                        tally.add(story)
        return tally

    return prove


def stories(tracks, answers, thaw):
    """When the worker, too, has done what is left to do: first under the freeze, if there is one, then without it."""
    for (pair, began), told in zip(tracks, answers, strict=True):
        story = Story(tuple(pair), told, began, State(began.state))
        applying.drive(began.pk, now=timezone.now())
        if "freeze" in pair:
            frozen = [str(freeze.pk) for freeze in Freeze.objects.active()]
            posted = Payment.objects.filter(order_id=int(began.subject)).exists()
            story.posted_under_freeze = posted and frozen != []
            story.entries += Entry.objects.filter(target_type="freeze", target_id__in=frozen)
            thaw()
            applying.drive(began.pk, now=timezone.now())
        story.entries += Entry.objects.about("adjustment", began.pk).order_by("position")
        story.adjustment = Adjustment.objects.get(pk=began.pk)
        yield story


@pytest.mark.proof("pairs of competing moves")
def test_of_two_moves_at_once_the_request_ends_where_it_may(prove, times, figure, aloud):
    tally = prove(times(full=300, small=2))

    aloud("\n".join(tally.table()))
    figure(str(tally))
    tally.hold()


# Planted -------------------------------------------------------------------------------------------------------------


def reject_whatever_it_is(*, adjustment, approver, revision, seen, reason, now):
    with acting(approver.actor, reason=reason):
        current = Adjustment.objects.get(pk=adjustment.pk)
        say(current, approver, Verdict.REJECT, reason, now)
        Adjustment.objects.filter(pk=adjustment.pk).update(state=State.REJECTED, closed_at=now)


@pytest.mark.sensitivity("pairs of competing moves")
def test_a_rejection_that_does_not_look_at_the_state_is_caught(prove, times, planted, caught):
    planted.function(workflow, "reject", reject_whatever_it_is)
    planted.body("adjustments_guard_decision", "request.state <> 'pending' or new.at >= request.approve_by", "false")
    planted.body("adjustments_guard_request", "not adjustments_may_move(old.state, new.state)", "false")

    with caught("rejecting without the state's guard", match="the log tells another story"):
        prove(times(full=60, small=8), [("approve", "reject"), ("reject", "withdraw")]).hold()


@pytest.mark.sensitivity("pairs of competing moves")
def test_the_verb_alone_without_its_guard_is_refused_and_seen(prove, times, planted, caught):
    planted.function(workflow, "reject", reject_whatever_it_is)

    with caught("rejecting without looking; the database refuses", match="an error: reject met IntegrityError"):
        prove(times(full=60, small=8), [("approve", "reject"), ("reject", "withdraw")]).hold()


@pytest.mark.sensitivity("pairs of competing moves")
def test_a_move_that_is_not_recorded_is_caught(prove, times, planted, caught):
    planted.without_trigger("adjustments_adjustment", "adjustments_record")

    with caught("moves do not record themselves", match="the log tells another story|an illegal end"):
        prove(times(full=60, small=4), [("withdraw", "edit")]).hold()
