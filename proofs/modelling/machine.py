"""The console, driven step by step beside the reference; after each step both say the same, and no invariant is broken.

A sequence is one transaction in the console's database and one in the shop's, rolled back at its end: that is what
makes thousands of them possible. The worker that is killed at a point is, here, an exception that unwinds it.
"""

import json
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from django.db import IntegrityError, connections, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from accounts import changes
from accounts.factories import stepped_up
from accounts.models import Person
from adjustments import applying, attention, drafting, expiry, ledger, workflow
from adjustments.freezes import freezing
from adjustments.freezes.models import Freeze, Scope
from adjustments.models import Adjustment
from adjustments.policies import changes as policies
from adjustments.standing import Refusal
from audit.models import Entry
from billingadmin.sql import statement
from proofs.modelling.reference import DONE, Request, World
from systems.tests.paperclips.models import Order, Payment

SQL = Path(__file__).with_name("invariants.sql")
PLACES = {"keys": "$1", "payments": "$2", "since": "$3"}
PREPARE = f"prepare broken (jsonb, jsonb, bigint) as {statement(SQL, 'broken') % PLACES}"
ASK = "execute broken (%(keys)s, %(payments)s, %(since)s)"
ALIASES = ("default", "paperclips_writer")
ORDERS = 60
SAW = "sequences that saw: "
REASON = "The bank statement shows it."
POINTS = (
    (applying, "_ask_ledger", "before"),
    (ledger, "take_key", "after"),
    (ledger, "keep_receipt", "before"),
    (ledger, "keep_receipt", "after"),
    (applying, "_keep", "before"),
    (applying, "_keep", "after"),
    (applying, "_finish", "before"),
    (applying, "move", "after"),
)

WHO = st.sampled_from(("ken", "aiko", "daniel", "ines"))
WHICH = st.integers(min_value=0, max_value=3)  # of the newest
SIZE = st.integers(min_value=1, max_value=3)
STALE = st.sampled_from((False, False, False, True))
RARE = (
    "freeze_or_thaw",
    "freeze_or_thaw",
    "revoke_or_grant",
    "disable_or_enable",
    "change_policy",
    "expire_now",
    "pass_over",
)
HOURS = st.sampled_from((1, 1, 1, 5, 25, 80))

there_are_requests = precondition(lambda self: self.world.requests)


class Died(BaseException):
    """The worker was killed here."""


class Console(RuleBasedStateMachine):
    people: dict[str, Any] = {}  # name -> primary key; what the machine is run with (test_model.py)
    begin: Any = None
    steps: Counter = Counter()

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        for alias in ALIASES:
            self._open.enter_context(transaction.atomic(using=alias))
        self.world = World(now=self.begin, approvers={"aiko", "daniel", "ines"}, supporters={"ken"})
        self.seen: dict[int, str] = {}
        self.reached: set[str] = set()
        self.rows: list[Any] = []  # the primary keys of world.requests
        self._plan()
        self.unused = iter(range(1, ORDERS + 1))
        self.since = (Entry.objects.values_list("position", flat=True).first() or 0) + 1

    def _plan(self) -> None:
        """Once for all steps of a sequence: planning takes longer than looking. By SQL, since psycopg forgets what it
        prepared at every savepoint that is rolled back."""
        with connections["default"].cursor() as cursor:
            cursor.execute("set local plan_cache_mode = force_generic_plan")
            cursor.execute("select 1 from pg_prepared_statements where name = 'broken'")
            if not cursor.fetchone():
                cursor.execute(PREPARE)

    def teardown(self) -> None:
        self.steps.update(["sequences", *(f"{SAW}{what}" for what in self.reached)])
        for alias in ALIASES:
            transaction.set_rollback(True, using=alias)
        self._open.close()

    # What people do --------------------------------------------------------------------------------------------------

    @rule(who=WHO, size=SIZE)
    def propose(self, who: str, size: int) -> None:
        orders = [number for number, _place in zip(self.unused, range(size), strict=False)]
        if orders:
            self._propose(orders, who)

    @initialize(size=SIZE)
    def there_is_something_to_decide(self, size: int) -> None:
        self.propose("ken", size)

    @there_are_requests
    @rule(which=WHICH)
    def go_on(self, which: int) -> None:
        """As an honest house would: left to chance alone, nearly everything ends in a refusal."""
        it, _row = self._it(which)
        if self.world.frozen and which:
            self.freeze_or_thaw()
        carry_out = self.drive if which < 3 else self._call_off
        steps = {"pending": self.approve_as_may_be, "approved": carry_out, "needs_attention": self._sort_out}
        steps.get(it.state, self._ask_for_another)(which)

    go_on_again = go_on  # twice as often

    def _ask_for_another(self, which: int) -> None:
        self.propose("ken", which % 3 + 1)

    def _sort_out(self, which: int) -> None:
        """Two ask for the same; the shop may have come round meanwhile."""
        it, _row = self._it(which)
        for order in it.orders[: which % 3]:
            self._shop_has(order, cancelled=False)
        if it.policy == self.world.policy and which < 3:
            self._two_ask(which, "retry")
        else:
            self._call_off(which)

    def _call_off(self, which: int) -> None:
        self._two_ask(which, "cancel")
        self.drive(which)

    def _two_ask(self, which: int, verdict: str) -> None:
        for who in ("ken", *sorted(self.world.approvers - self._it(which)[0].hands)[:1]):
            self.ask(who, which, verdict)

    @there_are_requests
    @rule(who=WHO, which=WHICH)
    def propose_again(self, who: str, which: int) -> None:
        order = self._it(which)[0].orders[0]
        if all(one.state in ("pending", "applied") and not one.ledger for one in self.world.alive(order)):
            self._propose([order], who)

    def _propose(self, orders: list[int], who: str) -> None:
        def send() -> Adjustment:
            target = drafting.for_anomalies([self.anomalies[order] for order in orders], "book_payment")
            seen = drafting.draft(target, now=self.world.now).seen
            told = {"reason": REASON, "seen": seen, "now": self.world.now}
            return workflow.propose(target=target, proposer=self._person(who), **told)

        made = self._same("propose", self.world.propose(orders, who), send)
        if made:
            self.rows.append(made.pk)

    @there_are_requests
    @rule(who=WHO, which=WHICH, stale=STALE)
    def edit(self, who: str, which: int, stale: bool) -> None:
        it, row = self._it(which)
        revision = it.revision - stale

        def send() -> None:
            seen = drafting.draft(drafting.for_edit(row), now=self.world.now).seen
            told = {"revision": revision, "reason": f"{REASON} Again.", "seen": seen, "now": self.world.now}
            workflow.edit(adjustment=row, editor=self._person(who), **told)

        self._same("edit", self.world.edit(it, who, revision), send)

    @there_are_requests
    @rule(who=WHO, which=WHICH, stale=STALE)
    def approve(self, who: str, which: int, stale: bool) -> None:
        self.approve_by(who, which, stale)

    def approve_by(self, who: str, which: int, stale: bool) -> None:
        it, row = self._it(which)
        expected = self.world.approve(it, who, it.revision - stale)
        self._same("approve", expected, lambda: workflow.approve(**self._seen(row, who, stale)))

    def approve_as_may_be(self, which: int) -> None:
        """By everybody who may."""
        for who in sorted(self.world.approvers - self._it(which)[0].hands):
            self.approve_by(who, which, stale=False)

    @there_are_requests
    @rule(who=WHO, which=WHICH, stale=STALE)
    def reject(self, who: str, which: int, stale: bool) -> None:
        it, row = self._it(which)
        expected = self.world.reject(it, who, it.revision - stale)
        self._same("reject", expected, lambda: workflow.reject(**self._seen(row, who, stale), reason="Another amount."))

    def _seen(self, row: Adjustment, who: str, stale: bool) -> dict[str, Any]:
        """What stood before the approver's eyes: what there is, or what there was before the last edit."""
        shown = row.revisions.filter(number=row.revision - stale).first()
        seen = shown.content_hash if shown else "0" * 64
        told = {"revision": row.revision - stale, "seen": seen, "now": self.world.now}
        return {"adjustment": row, "approver": self._proven(who, row), **told}

    @there_are_requests
    @rule(who=WHO, which=WHICH)
    def withdraw(self, who: str, which: int) -> None:
        it, row = self._it(which)
        told = {"person": self._person(who), "reason": "It was paid meanwhile.", "now": self.world.now}
        self._same("withdraw", self.world.withdraw(it, who), lambda: workflow.withdraw(adjustment=row, **told))

    @there_are_requests
    @rule(who=WHO, which=WHICH, verdict=st.sampled_from(("retry", "cancel")))
    def ask(self, who: str, which: int, verdict: str) -> None:
        if not self.world.may_triage(who):
            return
        it, row = self._it(which)
        told = {"person": self._proven(who, row), "verdict": verdict, "reason": REASON, "now": self.world.now}
        self._same(verdict, self.world.ask(it, who, verdict), lambda: attention.ask(adjustment=row, **told))

    @rule(what=st.sampled_from(RARE))
    def something_that_is_rare(self, what: str) -> None:
        getattr(self, what)()

    def pass_over(self) -> None:
        """Nothing of it happens, so that it stays rare."""

    def freeze_or_thaw(self) -> None:
        now = self.world.now
        frozen = Freeze.objects.active().first()
        if not frozen:
            scope = Scope(system="paperclips")
            freezing.freeze(scope=scope, person=self._person("ken"), reason=REASON, now=now)
        elif len(self.world.approvers) > 1:
            first, second = sorted(self.world.approvers)[:2]
            asked = freezing.ask(freeze=frozen, person=self._person(first), reason=REASON, now=now)
            freezing.confirm(thaw=asked, person=self._person(second), now=now)
        else:
            return
        self.world.frozen = not self.world.frozen
        self._count("freeze or thaw", DONE)

    def revoke_or_grant(self) -> None:
        self._change("daniel", ("revoke", "grant"), ["approver"])

    def disable_or_enable(self) -> None:
        self._change("ines", ("disable", "enable"))

    def _change(self, who: str, kinds: tuple[str, str], roles: list[str] | None = None) -> None:
        kind = kinds[who not in self.world.approvers]
        asked = {"person": self._person(who), "kind": kind, "roles": roles or [], "reason": REASON}
        change = changes.request(**asked, by=self._person("admin"), now=self.world.now)
        changes.confirm(change=change, by=self._person("second_admin"), now=self.world.now)
        self.world.approvers ^= {who}
        self._count(kind, DONE)

    def change_policy(self) -> None:
        """One approval becomes two, or two become one."""
        approvals = 3 - self.world.policy.approvals
        if approvals > len(self.world.approvers):
            return
        rule = policies.current_rule(system="", correction="", from_amount=0)
        asked = {"kind": "change", "terms": {**rule.terms, "approvals": approvals}, "reason": REASON}
        change = policies.ask(**asked, by=self._person("admin"), now=self.world.now)
        policies.confirm(change=change, by=self._person("second_admin"), now=self.world.now)
        self.world.change_policy(approvals)
        self._count("change policy", DONE)

    # What happens by itself ------------------------------------------------------------------------------------------

    @rule(hours=HOURS)
    def wait(self, hours: int) -> None:
        self.world.now += timedelta(hours=hours)

    @precondition(lambda self: self.world.is_any_overdue())
    @rule()
    def expire(self) -> None:
        self.world.expire()
        expiry.expire(self.world.now)
        self._count("expire", DONE)

    def expire_now(self) -> None:
        """Whether or not there is anything overdue."""
        self.expire()

    @there_are_requests
    @rule(which=WHICH, place=SIZE)
    def the_shop_cancels_or_reopens(self, which: int, place: int) -> None:
        orders = self._it(which)[0].orders
        order = orders[place % len(orders)]
        self._shop_has(order, cancelled=order not in self.world.cancelled_orders)

    def _shop_has(self, order: int, *, cancelled: bool) -> None:
        self.world.cancelled_orders -= {order}
        self.world.cancelled_orders |= {order} if cancelled else set()
        state = "cancelled" if cancelled else "shipped"
        Order.objects.using("paperclips_writer").filter(pk=order).update(state=state)

    @there_are_requests
    @rule(which=WHICH)
    def drive(self, which: int) -> None:
        it, row = self._it(which)
        applying.drive(row.pk, now=self.world.now)
        found = self._ledger(row)
        self.world.check_ledger(it, found, died=False)
        self.world.drive(it, found)
        self._count("drive", it.state)

    @there_are_requests
    @rule(which=WHICH, point=st.sampled_from(POINTS))
    def drive_and_die(self, which: int, point: tuple[Any, str, str]) -> None:
        it, row = self._it(which)
        died = self._killed_at(*point, row)
        found = self._ledger(row)
        self.world.check_ledger(it, found, died=died)
        before, ledger_before = it.state, it.ledger
        self.world.drive(it, found)
        if died and Adjustment.objects.get(pk=row.pk).state == before != it.state:
            self._back(it, before, ledger_before | found)
        self._count("die", before)

    def _killed_at(self, module: Any, name: str, when: str, row: Adjustment) -> bool:
        work = getattr(module, name)

        def and_die(*arguments: Any, **named: Any) -> None:
            if when == "after":
                work(*arguments, **named)
            raise Died

        with mock.patch.object(module, name, and_die):
            try:
                applying.drive(row.pk, now=self.world.now)
            except Died:
                return True
        return False

    def _back(self, it: Request, state: str, found: dict) -> None:
        it.state, it.ledger = state, found

    # Both say the same -----------------------------------------------------------------------------------------------

    def _same(self, verb: str, expected: str, send: Any) -> Any:
        try:
            with transaction.atomic():
                answer = send() or True
            answered = DONE
        except (Refusal, IntegrityError) as refusal:
            answer, answered = None, type(refusal).__name__
        self._count(verb, answered)
        assert answered == expected, f"{verb} was answered {answered} instead of {expected}"
        return answer

    def _count(self, verb: str, answered: str) -> None:
        self.steps[f"{verb}: {answered}"] += 1

    @invariant()
    def each_request_is_where_the_reference_has_it(self) -> None:
        self.steps["steps"] += 1
        self.world.now += timedelta(seconds=1)
        rows = {
            pk: (state, revision) for pk, state, revision in Adjustment.objects.values_list("pk", "state", "revision")
        }
        found = [rows[pk] for pk in self.rows]
        expected = [(one.state, one.revision) for one in self.world.requests]
        assert found == expected, f"the console has {found}, the reference {expected}"
        self._follow()

    def _follow(self) -> None:
        """Where each request is, and where it came from: the proof tells how often each was seen."""
        for place, it in enumerate(self.world.requests):
            before = self.seen.get(place)
            if before != it.state:
                self.seen[place] = it.state
                self.reached.add(it.state)
                self.steps[f"move: {before} -> {it.state}"] += before is not None
            if it.state == "needs_attention" and "posted" in it.ledger.values():
                self.reached.add("partly posted")

    @invariant()
    def no_rule_is_broken(self) -> None:
        keys, payments = self._keys(), list(Payment.objects.values("order_id", "amount"))
        parameters = {"keys": json.dumps(keys), "payments": json.dumps(payments), "since": self.since}
        with connections["default"].cursor() as cursor:
            cursor.execute(ASK, parameters)
            broken = cursor.fetchall()
        assert not broken, f"broken: {broken}"

    def _keys(self) -> list[dict[str, str]]:
        with connections["paperclips_writer"].cursor() as cursor:
            cursor.execute("select key::text, content_hash, outcome, at::text from billingadmin_applied")
            names = ("key", "content_hash", "outcome", "at")
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _ledger(self, row: Adjustment) -> dict[int, str]:
        outcomes = {key["key"]: key["outcome"] for key in self._keys()}
        lines = Adjustment.objects.get(pk=row.pk).current_lines()
        return {int(line.subject): outcomes[str(line.key)] for line in lines if str(line.key) in outcomes}

    def _it(self, which: int) -> tuple[Request, Adjustment]:
        place = -1 - which % len(self.rows)
        return self.world.requests[place], Adjustment.objects.get(pk=self.rows[place])

    def _proven(self, who: str, row: Adjustment) -> Person:
        return stepped_up(self._person(who), row, self.world.now)

    def _person(self, who: str) -> Person:
        return Person.objects.get(pk=self.people[who])
