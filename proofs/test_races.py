"""Two approvers, a double click and a rejection on one request, all at once: one decision, whatever the order.

Each actor is a process with connections of its own. What the four were told, the decisions, the ledger and the audit
log must tell the same story.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.demo import CAST
from accounts.factories import stepped_up
from adjustments import applying, ledger, workflow
from adjustments.models import DECISIVE, Adjustment, Decision
from adjustments.states import State, Verdict
from audit.models import Entry
from proofs.conftest import THIRD_PASSWORD
from proofs.racing import DONE, Crew
from proofs.serving import Visitor, served, session_of
from proofs.shop import Shop
from systems.tests.paperclips.models import Payment

pytestmark = pytest.mark.django_db(transaction=True)

BATCH = 250
FOUND, CONFLICT = 302, 409
# What the log must have of a decision, and where it leads.
TOLD = {
    Verdict.APPROVE: (
        ("adjustment_approval_given", "adjustment_approved", "adjustment_line_posted", "adjustment_applied"),
        State.APPLIED,
    ),
    Verdict.REJECT: (("adjustment_rejection_given", "adjustment_rejected"), State.REJECTED),
}
LOSING = {"TooLate"}


@dataclass
class Story:
    """What became of one request, from everywhere it can be read."""

    adjustment: Adjustment
    answers: tuple
    decisions: list = field(default_factory=list)
    entries: Counter = field(default_factory=Counter)
    payments: int = 0

    @property
    def verdict(self):
        return self.decisions[0].verdict if self.decisions else None

    @property
    def errors(self):
        return [answer for answer in self.answers if answer.kind not in {DONE, *LOSING}]

    @property
    def is_duplicate(self):
        return len(self.decisions) > 1 or self.payments > 1 or any(told > 1 for told in self.entries.values())

    @property
    def is_lost(self):
        """Said to be done and not done, or done and not told."""
        if not self.decisions:
            return True
        told, state = TOLD[self.verdict]
        due = Counter(["adjustment_proposed", *told])
        return self.entries != due or self.adjustment.state != state or self.payments != (state == State.APPLIED)

    def is_misled(self, actors):
        """Who won was told so, also at the second click; everybody else was told who won."""
        return [
            answer
            for (person, verdict), answer in zip(actors, self.answers, strict=True)
            if (answer.kind == DONE) != any((d.person_id, d.verdict) == (person.pk, verdict) for d in self.decisions)
            or (answer.kind in LOSING and not any(d.person.name in answer.text for d in self.decisions))
        ]


def stories(raced):
    """For requests and the answers to their actors."""
    found = {
        pk: Story(adjustment, answers) for (pk, answers), adjustment in zip(raced.items(), _now(raced), strict=True)
    }
    for decision in Decision.objects.filter(adjustment__in=found, verdict__in=DECISIVE).select_related("person"):
        found[decision.adjustment_id].decisions.append(decision)
    told = Entry.objects.filter(target_type="adjustment", target_id__in=[str(pk) for pk in found])
    by_text = {str(pk): story for pk, story in found.items()}
    for target, action in told.values_list("target_id", "action_type"):
        by_text[target].entries[action] += 1
    by_order = {int(story.adjustment.subject): story for story in found.values()}
    for order in Payment.objects.filter(order_id__in=by_order).values_list("order_id", flat=True):
        by_order[order].payments += 1
    return list(found.values())


def _now(raced):
    as_they_are = Adjustment.objects.in_bulk(list(raced))
    return [as_they_are[pk] for pk in raced]


@dataclass
class Tally:
    actors: list
    races: int = 0
    counts: Counter = field(default_factory=Counter)
    samples: list = field(default_factory=list)

    def add(self, story):
        self.races += 1
        wrong = {
            "duplicate": story.is_duplicate,
            "lost": story.is_lost,
            "errors": story.errors,
            "misled": story.is_misled(self.actors),
        }
        kinds = [kind for kind, found in wrong.items() if found]
        self.counts.update(kinds or ["single"])
        self.counts.update([f"won by {story.verdict}"])
        if kinds:
            self.samples.append(f"#{story.adjustment.number} {story.adjustment.state} {kinds}: {story}")

    def __str__(self):
        wrong = ", ".join(f"{self.counts[kind]} {kind}" for kind in ("duplicate", "lost", "errors", "misled"))
        won = ", ".join(f"{self.counts[f'won by {verdict}']:,} {verdict}" for verdict in TOLD)
        return f"{self.races:,} races x {len(self.actors)}: {self.counts['single']:,} single decisions ({won}), {wrong}"

    def hold(self):
        sample = "\n".join(self.samples[:3])
        assert not self.counts["duplicate"], f"decided twice or posted twice: {self}\n{sample}"
        assert not self.counts["lost"], f"a decision was lost: {self}\n{sample}"
        assert not self.counts["errors"], f"somebody met an error: {self}\n{sample}"
        assert not self.counts["misled"], f"somebody was told wrongly: {self}\n{sample}"
        assert self.counts["single"] == self.races


@pytest.fixture
def actors(approver, second_approver, third_approver):
    """Who does what; the first clicks twice."""
    twice = [(approver, Verdict.APPROVE)] * 2
    return [*twice, (second_approver, Verdict.APPROVE), (third_approver, Verdict.REJECT)]


@pytest.fixture
def deciding(now):
    """By the verb, as a function."""

    def as_actor(person, verdict):
        def act(adjustment):
            seen = {"revision": adjustment.revision, "seen": adjustment.content_hash, "now": now + timedelta(minutes=5)}
            if verdict == Verdict.REJECT:
                seen["reason"] = "The statement shows another amount."
            stepped_up(person, adjustment, seen["now"])
            return getattr(workflow, verdict)(adjustment=adjustment, approver=person, **seen).state

        return act

    return as_actor


WORDS = {member.email: member.password for member in CAST.values()}


class TooLate(Exception):
    """The page's answer to who lost."""


@pytest.fixture
def sending():
    """By the form on the page: signed in, with the token, over HTTP."""

    def as_actor(port):
        def for_person(person, verdict):
            session, visitors = session_of(person), []

            def act(adjustment):
                if not visitors:  # in the actor's own process
                    visitors.append(Visitor(port, session))
                seen = {"revision": adjustment.revision, "seen": adjustment.content_hash}
                seen |= {"reason": "Another amount.", "word": WORDS.get(person.email, THIRD_PASSWORD)}
                status, page = visitors[0].send(f"{adjustment.get_absolute_url()}{verdict}/", seen)
                if status == CONFLICT:
                    raise TooLate(page[page.index("you came too late") :][:200])
                assert status == FOUND, f"{status} {page[:2000]}"
                return status

            return act

        return for_person

    return as_actor


@pytest.fixture
def prove(actors, support, key_table, progress, seed):
    """Races, in batches: proposed, decided by all four, posted by two workers, and then read from everywhere."""

    def prove(count, as_actor, now):
        shop, tally = Shop(proposer=support, now=now), Tally(actors)
        working = [lambda adjustment: applying.drive(adjustment.pk, now=now + timedelta(minutes=6))] * 2
        deciders = [as_actor(person, verdict) for person, verdict in actors]
        with Crew(*deciders, seed=seed) as crew, Crew(*working, seed=seed) as workers:
            for first in progress(range(0, count, BATCH)):
                requests = shop.requests(min(BATCH, count - first))
                raced = {one.pk: answers for one, answers in zip(requests, crew.race(requests), strict=True)}
                workers.race(requests)
                for story in stories(raced):
                    tally.add(story)
        return tally

    return prove


@pytest.mark.proof("approval races")
def test_of_four_at_once_one_decides(prove, deciding, now, times, figure):
    tally = prove(times(full=10_000, small=25), deciding, now)

    figure(str(tally))
    tally.hold()


@pytest.mark.proof("approval races over HTTP")
def test_of_four_at_once_on_the_page_one_decides(prove, sending, times, figure):
    with served() as port:
        tally = prove(times(full=2_000, small=10), sending(port), timezone.now())

    figure(str(tally))
    tally.hold()


# Planted -------------------------------------------------------------------------------------------------------------

KEY_TABLE = "billingadmin_applied"


def read_without_holding(pk):
    return Adjustment.objects.select_related("proposed_by").get(pk=pk)


def move_from_wherever(adjustment, to, **columns):
    Adjustment.objects.filter(pk=adjustment.pk).update(state=to, **columns)
    adjustment.refresh_from_db()


@pytest.fixture
def check_then_act(planted):
    """Each verb looks whether it may, and then does it, without holding the request or saying from which state."""
    planted.function(workflow, "held", read_without_holding)
    planted.function(workflow, "move", move_from_wherever)


@pytest.mark.sensitivity("approval races")
def test_check_then_act_without_guards_decides_twice(prove, deciding, now, times, check_then_act, planted, caught):
    planted.without_trigger("adjustments_decision", "adjustments_guard")
    planted.without_trigger("adjustments_adjustment", "adjustments_guard")

    with caught("check, then act, and no guards", match="decided twice|a decision was lost"):
        prove(times(full=500, small=12), deciding, now).hold()


@pytest.mark.sensitivity("approval races")
def test_check_then_act_before_the_guards_is_an_error(prove, deciding, now, times, check_then_act, caught):
    with caught("check, then act; the database refuses", match="met an error"):
        prove(times(full=500, small=12), deciding, now).hold()


@pytest.mark.sensitivity("approval races")
def test_without_the_ledgers_primary_key_it_posts_twice(prove, deciding, now, times, planted, caught):
    """Workers that lost sight of each other, and a key that is looked for and then written."""

    def look_then_write(cursor, *, key, content_hash, outcome, now):
        if ledger.read_key(cursor, key):
            return False
        cursor.execute(
            f"insert into {KEY_TABLE} (key, content_hash, outcome, at) values (%s, %s, %s, %s)",
            [key, content_hash, outcome, now],
        )
        return True

    planted.function(applying, "_claimed", lambda pk: Adjustment.objects.filter(pk=pk, state="approved").first())
    planted.function(ledger, "take_key", look_then_write)
    planted.without_constraint(KEY_TABLE, f"{KEY_TABLE}_pkey", alias="paperclips_writer")

    with caught("no primary key beside the ledger", match="posted twice"):
        prove(times(full=500, small=12), deciding, now).hold()


@pytest.mark.sensitivity("approval races")
def test_a_loser_who_is_not_told_who_won_is_seen(prove, deciding, now, times, planted, caught):
    planted.function(workflow.TooLate, "after", classmethod(lambda cls, adjustment: cls("You came too late.")))

    with caught("the loser is not told who won", match="told wrongly"):
        prove(times(full=500, small=12), deciding, now).hold()
