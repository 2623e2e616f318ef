"""Freeze, and let go on again. One person freezes at once; lifting takes one who asks and another who confirms.

The rules are the database's (migrations/*_freezes.sql), which also records each of these; what it refuses is told here
in a sentence.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import IntegrityError, OperationalError, connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adjustments import applying
from adjustments.freezes.models import Freeze, Scope, Thaw, ThawState
from adjustments.freezes.waiting import waiting_under
from adjustments.people import Person
from adjustments.standing import Refusal
from adjustments.states import State
from audit.log import Actor, acting, record
from billingadmin.sql import statement
from billingadmin.texts import Unreadable, readable

SQL = Path(__file__).with_name("freezes.sql")
WAITS = "4s"  # for what is being posted or approved at this moment: a person stands before it
LOCK_NOT_AVAILABLE = "55P03"

SENTENCES = {
    "freeze_by_who_may": gettext_lazy("Your roles do not include this."),
    "thaw_by_who_may": gettext_lazy("A freeze is lifted by two who are approvers now: one asks, another confirms."),
    "thaw_takes_two": gettext_lazy("You asked for this. Another approver must confirm it."),
    "thaw_asked_once": gettext_lazy("Somebody has asked for this already; another approver confirms."),
    "thaw_of_what_is_frozen": gettext_lazy("It is lifted already."),
    "thaw_decided_once": gettext_lazy("Somebody was faster: this is decided."),
}


class AlreadyFrozen(Refusal):
    """The very same is frozen: ``freeze``."""

    def __init__(self, freeze: Freeze) -> None:
        super().__init__(_("%s has frozen exactly this already.") % freeze.frozen_by.name)
        self.freeze = freeze


class StillPosting(Refusal):
    """Something is being posted, and did not end while the person waited. Nothing is frozen."""


class OwnAsking(Refusal):
    """Whoever asked to lift a freeze does not confirm it."""


def freeze(*, scope: Scope, person: Person, reason: str, now: datetime) -> Freeze:
    """In force when this returns: what was being posted has ended, and nothing that it holds is posted any more."""
    reason = _reason(reason)
    _refuse_second(scope)
    try:
        with _told(), acting(person.actor, reason=reason):
            _wait_for_postings()
            return Freeze.objects.create(frozen_by_id=person.pk, frozen_at=now, reason=reason, **vars(scope))
    except IntegrityError:
        _refuse_second(scope)  # somebody froze it in this very moment
        raise


def ask(*, freeze: Freeze, person: Person, reason: str, now: datetime) -> Thaw:
    """To lift it. Nothing changes until another confirms."""
    reason = _reason(reason)
    with _told(), acting(person.actor, reason=reason):
        return Thaw.objects.create(freeze=freeze, asked_by_id=person.pk, asked_at=now, reason=reason)


def confirm(*, thaw: Thaw, person: Person, now: datetime) -> Thaw:
    """The second person: it is lifted, and what waited under it goes on by itself."""
    if thaw.asked_by_id == person.pk:
        _record_own_asking(thaw, person.actor)
        raise OwnAsking(str(SENTENCES["thaw_takes_two"]))
    waiting = waiting_under(thaw.freeze.scope)
    with _told(), acting(person.actor):
        _decide(thaw, ThawState.CONFIRMED, person, "", now)
        for one in waiting.requests:
            if one.adjustment.state == State.APPROVED:
                applying.enqueue(one.adjustment.pk)
    return thaw


def refuse(*, thaw: Thaw, person: Person, reason: str, now: datetime) -> Thaw:
    reason = _reason(reason)
    with _told(), acting(person.actor, reason=reason):
        _decide(thaw, ThawState.REFUSED, person, reason, now)
    return thaw


def withdraw(*, thaw: Thaw, person: Person, now: datetime) -> Thaw:
    """Whoever asked thinks better of it."""
    if thaw.asked_by_id != person.pk:
        raise Refusal(_("Only %s, who asked for this, can withdraw it.") % thaw.asked_by.name)
    with _told(), acting(person.actor):
        _decide(thaw, ThawState.WITHDRAWN, person, "", now)
    return thaw


def _wait_for_postings() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement(SQL, "lock"), {"wait": WAITS})
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise StillPosting(
            _("Nothing is frozen yet: something is being posted and has not ended in %s. Press again.") % WAITS
        ) from error


def _decide(thaw: Thaw, state: ThawState, person: Person, note: str, now: datetime) -> None:
    pending = Thaw.objects.pending().filter(pk=thaw.pk)
    if pending.update(state=state, decided_by=person.pk, decided_at=now, note=note) != 1:
        raise Refusal(str(SENTENCES["thaw_decided_once"]))
    thaw.refresh_from_db()


def _refuse_second(scope: Scope) -> None:
    if same := Freeze.objects.active().filter(**vars(scope)).select_related("frozen_by").first():
        raise AlreadyFrozen(same)


def _reason(text: str) -> str:
    try:
        return readable(text)
    except Unreadable as why:
        raise Refusal(why.message) from None


@contextmanager
def _told() -> Iterator[None]:
    """What a constraint or trigger forbids becomes a Refusal with its sentence."""
    try:
        yield
    except IntegrityError as error:
        diagnosis: Any = error.__cause__
        if (name := diagnosis.diag.constraint_name) not in SENTENCES:
            raise
        raise Refusal(str(SENTENCES[name])) from error


def _record_own_asking(thaw: Thaw, actor: Actor) -> None:
    """Somebody tried what is not theirs to do."""
    with acting(actor):
        record(
            actor=actor,
            action_type="thaw_confirmed",
            target_type="freeze",
            target_id=str(thaw.freeze_id),
            outcome="refused",
            reason=str(SENTENCES["thaw_takes_two"]),
            system=thaw.freeze.system,
        )
