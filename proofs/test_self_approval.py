"""Nobody decides what they had a hand in: not by any path of the console, whoever they seem to be meanwhile.

The paths are read from the URLs. That a request by such a path could decide is seen by another approver's sending the
very same; what that one can do, the person with a hand in it must be refused, and the refusal must be in the audit log.
Each attempt is rolled back, so that every one meets the same pending request.
"""

from dataclasses import dataclass, field
from itertools import product

import pytest
from django.core.cache import cache
from django.core.management import get_commands, load_command_class
from django.db import DatabaseError, connections, transaction
from django.test import Client
from django.utils import timezone

from accounts.demo import CAST
from accounts.factories import current_code, stepped_up
from accounts.models import Person
from adjustments import drafting, workflow
from adjustments.models import DECISIVE, Adjustment, Decision
from adjustments.states import State
from audit.log import acting
from audit.models import Entry
from proofs import paths
from proofs.shop import REASON, Shop

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "self-approval"
WORD = CAST["approver"].password


def edit(adjustment, person):
    now = timezone.now()
    seen = drafting.draft(drafting.for_edit(adjustment), now=now).seen
    told = {"revision": adjustment.revision, "reason": f"{REASON} Again.", "seen": seen, "now": now}
    return workflow.edit(adjustment=adjustment, editor=person, **told)


def rename(person, **columns):
    with acting(person.actor, reason="Married."):
        Person.objects.filter(pk=person.pk).update(**columns)


def signed_in(person, **typed):
    """By the forms, as a person does."""
    client = Client()
    asked = client.post("/accounts/login/", {"login": person.email, "password": WORD} | typed)
    cache.clear()  # the same person comes more than once within the half minute of a code
    client.post(asked.url, {"code": current_code(person)})
    return client


# Each trick: who proposed and who else wrote, and what the person (an approver) does to seem another.
@pytest.fixture
def tricks(approver, support, settings):
    """Name -> a pending request in which the approver had a hand, and the client with which they come."""
    settings.MFA_TOTP_TOLERANCE = 1  # a code may run out between reading and sending

    shop = Shop(proposer=support, now=timezone.now())

    def propose(person):
        return shop.requests(1, by=person)[0]

    def proposer():
        return propose(approver), signed_in(approver)

    def editor():
        return edit(propose(support), approver), signed_in(approver)

    def contributor_of_an_old_revision():
        return edit(edit(propose(support), approver), support), signed_in(approver)

    def renamed():
        asked = propose(approver)
        rename(approver, name="Aiko Suzuki")
        return asked, signed_in(approver)

    def with_another_address():
        asked = propose(approver)
        rename(approver, email="a.tanaka@billing.example")
        approver.refresh_from_db()
        client = Client()
        client.force_login(approver)
        return asked, client

    def in_capitals():
        return propose(approver), signed_in(approver, login=approver.email.upper())

    def in_an_old_session():
        client = signed_in(approver)
        return propose(approver), client

    named = (proposer, editor, contributor_of_an_old_revision, renamed, with_another_address, in_capitals)
    return {trick.__name__.replace("_", " "): trick for trick in (*named, in_an_old_session)}


@dataclass
class Tally:
    attempts: int = 0
    able: set = field(default_factory=set)  # paths by which another approver decides
    wrong: list = field(default_factory=list)
    refusals: int = 0

    def add(self, attempt, *, decided, audited):
        self.attempts += 1
        if decided:
            self.wrong.append(f"decided their own: {attempt}")
        elif attempt.ask.method == "POST" and attempt.ask.path.rsplit("/", 2)[-2] in self.able:
            self.refusals += 1
            if not audited:
                self.wrong.append(f"a refusal was not recorded: {attempt}")

    def hold(self):
        assert len(self.able) >= 2, f"another approver decides by {self.able} only: these paths prove nothing"
        assert not self.wrong, f"{self.wrong[0]}; {len(self.wrong)} in all"


@dataclass
class Attempt:
    trick: str
    ask: paths.Ask
    adjustment: Adjustment

    def __str__(self):
        return f"{self.trick}: {self.ask}"

    def send(self, cookies, word, other):
        """Whether it decided, and whether a refusal was recorded; undone at once."""
        told = {"revision": self.adjustment.revision, "seen": self.adjustment.content_hash, "reason": REASON}
        told |= {"word": word, "verdict": "approve", "adjustment": self.adjustment.pk}
        told |= dict.fromkeys(("person", "person_id", "approver", "by", "acts_for"), other.pk)
        client = Client(raise_request_exception=False)
        client.cookies.update(cookies)
        with transaction.atomic():
            body = {"data": told} if self.ask.method == "POST" else {}
            getattr(client, self.ask.method.lower())(self.ask.path, **body, headers=dict(self.ask.headers))
            now = Adjustment.objects.get(pk=self.adjustment.pk)
            said = Decision.objects.filter(adjustment=now, verdict__in=DECISIVE).exists()
            refused = Entry.objects.about("adjustment", now.pk).filter(outcome="refused").exists()
            transaction.set_rollback(True)
        return said or now.state in (State.APPROVED, State.REJECTED), refused


def values(adjustment):
    line = adjustment.current_lines().get()
    return {"uuid": adjustment.pk, "int": line.anomaly_id, "str": line.subject, "slug": "paperclips", "path": "order"}


@pytest.fixture
def prove(tricks, second_approver, progress, chance):
    """Every path with every method and header, for each trick; ``share`` of them, chosen by chance."""
    other, word = second_approver, CAST["second_approver"].password

    def able(adjustment):
        """The last word of each path by which another approver decides: that is what must be refused."""
        cookies = signed_in(other, password=word).cookies
        posts = [paths.Ask(path, "POST") for path in paths.paths(values(adjustment))]
        sent = [(ask, Attempt("another", ask, adjustment).send(cookies, word, other)) for ask in posts]
        return {ask.path.rsplit("/", 2)[-2] for ask, (decided, _audited) in sent if decided}

    def prove(names, share):
        tally = Tally()
        for name in names:
            adjustment, client = tricks[name]()
            tally.able = tally.able or able(adjustment)
            every = [ask for path in paths.paths(values(adjustment)) for ask in paths.asks(path)]
            due = [ask for ask in every if ask.path.rsplit("/", 2)[-2] in tally.able or chance.random() < share]
            for ask in progress(due):
                attempt = Attempt(name, ask, adjustment)
                decided, audited = attempt.send(client.cookies, WORD, other)
                tally.add(attempt, decided=decided, audited=audited)
        return tally

    return prove


@pytest.mark.proof(NAME)
def test_nobody_decides_what_they_had_a_hand_in(prove, tricks, full_size, chance, figure):
    names = list(tricks) if full_size else chance.sample(list(tricks), 2)

    tally = prove(names, share=1 if full_size else 0.02)

    told = f"{tally.refusals} refusals where another could decide ({', '.join(sorted(tally.able))})"
    figure(f"{len(names)} tricks, {tally.attempts:,} requests: {len(tally.wrong)} successes or unrecorded; {told}")
    tally.hold()


# Beside the pages ----------------------------------------------------------------------------------------------------

DECIDE = """insert into adjustments_decision
    (adjustment_id, revision, attempt, person_id, verdict, content_hash, reason, at)
    select id, revision, attempt, %(person)s, %(verdict)s, content_hash, 'So be it.', now()
    from adjustments_adjustment where id = %(request)s"""
BY_HAND = (
    """update adjustments_adjustment set state = 'approved', approved_at = now(), apply_by = now()
    where id = %(request)s""",
    "update adjustments_adjustment set state = 'rejected', closed_at = now() where id = %(request)s",
    "update adjustments_adjustment set proposed_by_id = %(other)s where id = %(request)s",
    "update adjustments_adjustment set approvals_needed = 0 where id = %(request)s",
    "update adjustments_revision set by_id = %(other)s where adjustment_id = %(request)s",
    "delete from adjustments_revision where adjustment_id = %(request)s",
    "update adjustments_contributor set person_id = %(other)s where adjustment_id = %(request)s",
    "delete from adjustments_contributor where adjustment_id = %(request)s",
    "truncate adjustments_contributor",
    "alter table adjustments_decision disable trigger all",
    "set session_replication_role = replica",
)


def by_hand(adjustment, person, other):
    """As the site's role: a decision of one's own, or in another's name, and what would clear the way for it."""
    for who, actor, verdict in product((person, other), (person, other, None), ("approve", "reject")):
        yield DECIDE, {"person": who.pk, "verdict": verdict, "request": adjustment.pk}, actor, who is person
    for statement in BY_HAND:
        yield statement, {"other": other.pk, "request": adjustment.pk}, person, False


def succeeds(statement, parameters, actor):
    try:
        with transaction.atomic(), connections["default"].cursor() as cursor:
            if actor:
                with acting(actor.actor):
                    cursor.execute(statement, parameters)
            else:
                cursor.execute(statement, parameters)
                cursor.execute("set constraints all immediate")
            transaction.set_rollback(True)
    except DatabaseError:
        return False
    return True


@pytest.mark.proof("self-approval by hand-written SQL")
def test_no_statement_of_the_sites_role_decides_for_oneself(tricks, approver, second_approver, figure):
    attempts, found = 0, []
    for name, trick in tricks.items():
        adjustment, _client = trick()
        stepped_up(approver, adjustment, timezone.now())
        for statement, parameters, actor, _own in by_hand(adjustment, approver, second_approver):
            attempts += 1
            if succeeds(statement, parameters, actor):
                found.append(f"{name}: {statement} {parameters}")

    figure(f"{len(tricks)} tricks, {attempts} statements as the site's role: {len(found)} successes")
    assert not found


@pytest.mark.proof("self-approval by command")
def test_no_command_decides(figure):
    ours = [name for name, app in get_commands().items() if app.split(".")[0] in CONSOLE]
    texts = {name: _source(name) for name in ours}
    found = [name for name, text in texts.items() if "workflow" in text or "Decision" in text]

    figure(f"{len(ours)} commands: {len(found)} can decide")
    assert not found


CONSOLE = {"accounts", "adjustments", "anomalies", "audit", "billingadmin", "health", "jobs", "systems"}


def _source(name):
    from inspect import getmodule, getsource

    return getsource(getmodule(load_command_class(get_commands()[name], name).__class__))


# Planted -------------------------------------------------------------------------------------------------------------


@pytest.mark.sensitivity(NAME)
def test_comparing_names_is_caught(prove, planted, caught):
    """The verb and the guards compare the name of the proposer with the name of who decides."""
    planted.function(workflow, "hands", lambda adjustment: set())
    planted.function(workflow, "_must_be_decidable", by_name)
    planted.body("adjustments_guard_decision", "adjustments_had_a_hand(new.adjustment_id, new.person_id)", "false")
    planted.body("adjustments_guard_request", "< new.approvals_needed", "< 0")

    with caught("people are compared by name", match="decided their own: renamed"):
        prove(["renamed"], share=0).hold()


def by_name(adjustment, person, revision, seen, now):
    proposed = Entry.objects.about("adjustment", adjustment.pk).get(action_type="adjustment_proposed")
    if proposed.actor.split(" <")[0] == person.name:
        raise workflow.OwnHand("You proposed this.")


@pytest.mark.sensitivity(NAME)
def test_a_path_that_was_skipped_is_caught(prove, planted, caught):
    """One verb that forgets to look, behind guards that do not."""
    reject = workflow.reject

    def careless(**told):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(workflow, "_must_be_decidable", lambda *arguments: None)
            return reject(**told)

    planted.function(workflow, "reject", careless)
    planted.body("adjustments_guard_decision", "adjustments_had_a_hand(new.adjustment_id, new.person_id)", "false")

    with caught("one path does not look", match="decided their own: proposer: POST .*/reject/"):
        prove(["proposer"], share=0).hold()


@pytest.mark.sensitivity(NAME)
def test_a_refusal_that_is_not_recorded_is_caught(prove, planted, caught):
    from adjustments import verbs

    planted.function(verbs, "record_refusal", lambda *arguments, **named: None)

    with caught("a refusal is not recorded", match="a refusal was not recorded"):
        prove(["proposer"], share=0).hold()
