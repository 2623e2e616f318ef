"""Changes of policy: one admin asks, with a reason, another confirms, and only then it happens.

The rules of it are the database's (constraints, and the triggers of migrations/*_policy.sql); what it refuses is told
here in a sentence. The rows record themselves; the verbs say who acts.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import IntegrityError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adjustments import people
from adjustments.people import Person
from adjustments.policies import renewal
from adjustments.policies.models import Kind, PolicyChange, PolicyChangeQuerySet, PolicyRule, State
from audit.log import acting

SENTENCES = {
    "policy_change_is_asked_by_an_admin": gettext_lazy("Only an admin can ask for a change of policy."),
    "policy_change_is_decided_by_an_admin": gettext_lazy("Only an admin decides on a change of policy."),
    "policy_change_is_asked_once": gettext_lazy("A change of this rule already waits for a second admin."),
    "policy_change_is_confirmed_by_a_second_admin": gettext_lazy(
        "A change is confirmed by another admin than the one who asked."
    ),
    "policy_change_is_confirmed_by_admins": gettext_lazy("Who asked for this is no admin any more. Ask for it anew."),
    "policy_change_is_withdrawn_by_its_asker": gettext_lazy(
        "Who asked for a change withdraws it; another admin refuses it."
    ),
    "policy_change_is_about_the_rule_there_is": gettext_lazy(
        "The rule has changed since this was asked. Withdraw it, and ask for it anew."
    ),
    "policy_always_has_a_rule": gettext_lazy("The rule for everything can be changed, but not retired."),
    "policy_change_names_its_system": gettext_lazy(
        "Amounts and caps count in the smallest unit of a system: name the system, or leave them out."
    ),
    "policy_change_caps_let_something_through": gettext_lazy("A cap is more than nothing; leave it empty for no cap."),
    "policy_change_leaves_time": gettext_lazy("A deadline is at least some minutes and at most 90 days away."),
    "policy_change_notice_comes_before_the_end": gettext_lazy("The notice must be shorter than either deadline."),
    "policy_change_counts": gettext_lazy(
        "From 1 to 9 approvals, a reason of 1 to 500 characters, and an amount that is not below zero."
    ),
}


class Refusal(Exception):
    """A change that cannot be; its text says why, to the person who tried."""


class AlreadyDecided(Refusal):
    """Somebody was faster."""


@contextmanager
def _told(by: Person, reason: str) -> Iterator[None]:
    """One transaction in which ``by`` acts; what the database forbids becomes a Refusal with its sentence."""
    try:
        with acting(by.actor, reason=reason):
            yield
    except IntegrityError as error:
        name = error.__cause__.diag.constraint_name
        if name not in SENTENCES:
            raise
        raise Refusal(str(SENTENCES[name])) from error


# Asking --------------------------------------------------------------------------------------------------------------


def current_rule(*, system: str, correction: str, from_amount: int) -> PolicyRule | None:
    rules = PolicyRule.objects.current()
    return rules.filter(system=system, correction=correction, from_amount=from_amount).first()


def ask(
    *,
    kind: str,
    system: str = "",
    correction: str = "",
    from_amount: int = 0,
    terms: Mapping[str, Any] | None = None,
    reason: str,
    by: Person,
    now: datetime,
) -> PolicyChange:
    """To add, change or retire the rule of a place. ``terms`` is what it will ask; retiring keeps what it asked."""
    place = {"system": system, "correction": correction, "from_amount": from_amount}
    there = current_rule(**place)
    wanted = dict(there.terms if there and not terms else terms or {})
    _refuse_nonsense(kind, there, wanted)
    with _told(by, reason):
        return PolicyChange.objects.create(
            kind=kind,
            replaces=None if kind == Kind.ADD else there,
            reason=reason,
            requested_by=by,
            requested_at=now,
            **place,
            **wanted,
        )


def _refuse_nonsense(kind: str, there: PolicyRule | None, terms: Mapping[str, Any]) -> None:
    """What could be asked, but would change nothing or could never work."""
    if kind == Kind.ADD and there:
        raise Refusal(_("There is a rule for this already. Change that one."))
    if kind != Kind.ADD and not there:
        raise Refusal(_("There is no rule for this any more."))
    if kind == Kind.CHANGE and terms == there.terms:
        raise Refusal(_("This is what the rule says already."))
    if kind != Kind.RETIRE:
        _refuse_too_many(terms["approvals"])


def _refuse_too_many(approvals: int) -> None:
    """Nothing could ever be approved under it."""
    count = people.approver_count()
    if approvals > max(1, count):
        told = ngettext(
            "There is only %(count)d approver: nothing could be approved under this.",
            "There are only %(count)d approvers: nothing could be approved under this.",
            count,
        )
        raise Refusal(told % {"count": count})


def what_waits() -> PolicyChangeQuerySet:
    """For the navigation, which counts: what waits for a second admin."""
    return PolicyChange.objects.pending()


# Deciding ------------------------------------------------------------------------------------------------------------


def confirm(*, change: PolicyChange, by: Person, now: datetime) -> list[renewal.Renewed]:
    """The second admin says yes: the rule holds from here on, and what waits comes under it, in this transaction."""
    if by.pk == change.requested_by_id:
        raise Refusal(str(SENTENCES["policy_change_is_confirmed_by_a_second_admin"]))
    with _told(by, change.reason):
        waiting = renewal.hold_waiting()
        _decide(change, State.CONFIRMED, by, now)
        return renewal.renew(waiting, now=now)


def refuse(*, change: PolicyChange, by: Person, reason: str, now: datetime) -> PolicyChange:
    """Another admin says no."""
    with _told(by, reason):
        _decide(change, State.REFUSED, by, now, answer=reason)
    return change


def withdraw(*, change: PolicyChange, by: Person, now: datetime) -> PolicyChange:
    """Whoever asked thinks better of it."""
    with _told(by, change.reason):
        _decide(change, State.WITHDRAWN, by, now)
    return change


def _decide(change: PolicyChange, state: str, by: Person, now: datetime, answer: str = "") -> None:
    undecided = PolicyChange.objects.pending().filter(pk=change.pk)
    if not undecided.update(state=state, decided_by=by, decided_at=now, answer=answer):
        change.refresh_from_db()
        who = {"state": change.get_state_display(), "name": change.decided_by.name}
        raise AlreadyDecided(_("Somebody was faster: %(name)s decided this (%(state)s).") % who)
    change.refresh_from_db()
