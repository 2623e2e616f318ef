"""A handful of requests as a week of work leaves them, made by the verbs that people use.

Of each rule at least one anomaly is left for whoever tries the console. A story is told of whatever correction comes
next, so its reasons fit every one: a charge as well as a refund.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model

from adjustments import applying, drafting, expiry, preview, workflow
from adjustments.drafting import Target, Undraftable
from adjustments.models import Adjustment, Preview
from adjustments.panels import answers
from adjustments.people import Person
from adjustments.states import State
from anomalies.models import Anomaly
from systems import registry
from systems.base import System

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Office:
    """Who works here, and what they do with an anomaly."""

    def __init__(self, now: datetime, passwords: Mapping[str, str]) -> None:
        self.passwords = passwords
        people = list(get_user_model().objects.active().by_name().prefetch_related("grants"))
        self.now = now
        self.approvers = [person for person in people if person.may("decide")]
        self.support = next(person for person in people if person.may("triage") and not person.may("decide"))

    def proposed(self, target: Target, by: Person, reason: str, at: datetime) -> Adjustment:
        seen = drafting.draft(target, now=at).seen
        adjustment = workflow.propose(target=target, proposer=by, reason=reason, seen=seen, now=at)
        preview.answer(Preview.objects.get(adjustment=adjustment).pk, now=at + MINUTE)
        return adjustment

    def approved(self, adjustment: Adjustment, by: Person, at: datetime) -> Adjustment:
        seen = {"revision": adjustment.revision, "seen": adjustment.content_hash}
        self.proven(by, adjustment, at)
        return workflow.approve(adjustment=adjustment, approver=by, now=at, **seen)

    def proven(self, by: Person, adjustment: Adjustment, at: datetime) -> None:
        by.prove(about=adjustment.content_hash, word=self.passwords[by.email], now=at)

    # One story each; those that leave the anomaly to somebody else come back to it.

    def apply(self, target: Target) -> Adjustment:
        at = self.now - 2 * DAY
        adjustment = self.proposed(target, self.support, "The timeline shows it; nothing answers it yet.", at)
        self.approved(adjustment, self.approvers[0], at + 25 * MINUTE)
        applying.drive(adjustment.pk, now=at + 26 * MINUTE)
        return Adjustment.objects.get(pk=adjustment.pk)

    def apply_and_regret(self, target: Target) -> None:
        applied = self.apply(target)
        if applied.state != State.APPLIED:
            return  # the ledger refused, for want of balance perhaps: now people must look, as they would
        why = "The first request was a mistake: it was meant for another case."
        self.proposed(drafting.for_reversal(applied), self.approvers[0], why, self.now - 2 * HOUR)

    def propose(self, target: Target) -> None:
        self.proposed(target, self.support, "Seen while answering ticket 4471.", self.now - 3 * HOUR)

    def propose_and_edit(self, target: Target) -> None:
        adjustment = self.proposed(target, self.support, "Please check.", self.now - 5 * HOUR)
        drafted = drafting.draft(drafting.for_edit(adjustment), now=self.now - 4 * HOUR)
        why = "The timeline shows what happened, and the ledger holds nothing that answers it."
        said = {"revision": 1, "reason": why, "seen": drafted.seen, "now": self.now - 4 * HOUR}
        edited = workflow.edit(adjustment=adjustment, editor=self.approvers[-1], **said)
        preview.answer(Preview.objects.get(adjustment=edited, revision=2).pk, now=self.now - 4 * HOUR)

    def reject(self, target: Target) -> None:
        adjustment = self.proposed(target, self.support, "As discussed.", self.now - 3 * DAY)
        why = "Not enough: say what you saw in the timeline, and propose it again."
        seen = {"revision": 1, "seen": adjustment.content_hash, "now": self.now - 3 * DAY + HOUR}
        self.proven(self.approvers[0], adjustment, seen["now"])
        workflow.reject(adjustment=adjustment, approver=self.approvers[0], reason=why, **seen)

    def withdraw(self, target: Target) -> None:
        adjustment = self.proposed(target, self.support, "From this week's list.", self.now - 30 * HOUR)
        at = self.now - 29 * HOUR
        workflow.withdraw(
            adjustment=adjustment,
            person=self.support,
            reason="Operations look into it first.",
            now=at,
        )

    def expire(self, target: Target) -> None:
        self.proposed(target, self.support, "For the month's closing.", self.now - 5 * DAY)
        expiry.expire(self.now)


CONSUMING = ("apply", "propose_and_edit", "apply_and_regret", "propose")
SPARING = ("expire", "reject", "withdraw")


def build(now: datetime, passwords: Mapping[str, str]) -> str:
    """Nothing when there are requests already. Who decides types their password, here as everywhere: by e-mail."""
    if Adjustment.objects.exists():
        return "There are adjustments already."
    office = Office(now, passwords)
    for system in registry.all_systems():
        _tell(office, system, CONSUMING, spare=1)
        _tell(office, system, SPARING, spare=0)
    return f"{Adjustment.objects.count()} adjustments were made."


def _tell(office: Office, system: System, stories: tuple[str, ...], *, spare: int) -> None:
    targets = _targets(office, system, spare)
    for story in stories:
        if target := next(targets, None):
            getattr(office, story)(target)


def _targets(office: Office, system: System, spare: int) -> Iterator[Target]:
    """Rule by rule in turn, the oldest first, leaving the newest ``spare`` of each."""
    by_rule: list[list[Any]] = []
    for rule in system.rules:
        old_enough = Anomaly.objects.open().for_system(system.slug).filter(observed_at__lt=office.now - 6 * DAY)
        by_rule.append(list(old_enough.filter(rule=rule.code, adjustments=None).order_by("observed_at", "pk")))
    queues = [queue[: len(queue) - spare] for queue in by_rule]
    while any(queues):
        for queue in queues:
            if queue and (target := _target(queue.pop(0), office.now)):
                yield target


def _target(anomaly: Anomaly, now: datetime) -> Target | None:
    for correction in answers(anomaly):
        try:
            target = drafting.for_anomaly(anomaly, correction.code)
            drafting.draft(target, now=now)
        except Undraftable:
            continue
        return target
    return None
