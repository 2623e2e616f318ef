"""What people decide about an anomaly: claim, release, snooze, dismiss, reopen, note, tick.

Each verb is one transaction with its audit entry, and a conditional update: of two people acting at once one wins, and
the other is told who was first. What is done already, by the same person, is done: no error, no second entry.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from anomalies.models import Anomaly, Note, StepTick
from anomalies.models.states import AT_WORK, Decision, Dismissal, State
from anomalies.observation import UNDECIDED
from anomalies.spans import span
from audit.log import SYSTEM_ACTOR, Actor, record
from billingadmin.texts import Unreadable, readable

__all__ = [
    "SYSTEM_ACTOR",
    "claim",
    "dismiss",
    "note",
    "release",
    "reopen",
    "settle",
    "snooze",
    "tick",
    "unsettle",
    "untick",
]

OPEN_AGAIN = {Decision.SNOOZED, Decision.DISMISSED}


class Person(Protocol):
    pk: int
    name: str

    @property
    def actor(self) -> Actor: ...


class Refused(Exception):
    """The verb does not apply; the text says why, to the person who asked."""


class AlreadyClaimed(Refused):
    def __init__(self, anomaly: Anomaly, now: datetime) -> None:
        who, ago = anomaly.owner.name, span(now - anomaly.claimed_at)
        super().__init__(_("%(who)s claimed it %(ago)s ago.") % {"who": who, "ago": ago})


class AlreadyDecided(Refused):
    def __init__(self, anomaly: Anomaly, now: datetime) -> None:
        state = State(anomaly.state).label
        if anomaly.decided_by is None or anomaly.decided_at is None:
            super().__init__(_("It is %(state)s already.") % {"state": state})
            return
        told = {"state": state, "who": anomaly.decided_by.name, "ago": span(now - anomaly.decided_at)}
        super().__init__(_("It is %(state)s already, by %(who)s, %(ago)s ago.") % told)


class NotClaimed(Refused):
    def __init__(self) -> None:
        super().__init__(_("Nobody has claimed it."))


class Moved(Refused):
    """The facts changed between the page and the decision."""

    def __init__(self) -> None:
        super().__init__(_("The facts changed while you looked at it. Read them again before you decide."))


class Unfit(ValueError):
    """What was asked for makes no sense; ``field`` is where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


# Who has it ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def claim(*, anomaly: Anomaly, by: Person, now: datetime, instead_of: int | None = None) -> bool:
    """Takes it, or takes it over from ``instead_of``. False when it was this person's already."""
    taken = _of(anomaly).filter(owner=instead_of, state__in=AT_WORK).exclude(owner=by.pk)
    if not taken.update(owner=by.pk, claimed_at=now):
        return _was_claimed(_fresh(anomaly), by, now)
    _record("anomaly_claimed", anomaly, by.actor, before={"owner": instead_of}, after={"owner": by.pk})
    return True


def _was_claimed(anomaly: Anomaly, by: Person, now: datetime) -> bool:
    if anomaly.owner_id == by.pk:
        return False
    if anomaly.owner_id is not None:
        raise AlreadyClaimed(anomaly, now)
    if anomaly.state in AT_WORK:
        raise NotClaimed
    raise AlreadyDecided(anomaly, now)


@transaction.atomic
def release(*, anomaly: Anomaly, by: Person, now: datetime) -> bool:
    """Puts it back on the desk. False when nobody had it."""
    if not _of(anomaly).filter(owner=by.pk).update(owner=None, claimed_at=None):
        fresh = _fresh(anomaly)
        if fresh.owner_id is not None:
            raise AlreadyClaimed(fresh, now)
        return False
    _record("anomaly_released", anomaly, by.actor, before={"owner": by.pk}, after={"owner": None})
    return True


# What is decided -----------------------------------------------------------------------------------------------------


@transaction.atomic
def snooze(
    *,
    anomaly: Anomaly,
    by: Person,
    now: datetime,
    note: str,
    until: datetime | None = None,
    grow_count: int | None = None,
    grow_amount: int | None = None,
) -> bool:
    """Lets it be: until a time, until there are more than ``grow_count`` of its rule, or until more than
    ``grow_amount`` is at risk by it; whichever comes first. ``note`` says why it may wait."""
    if until is None and grow_count is None and grow_amount is None:
        raise Unfit("until", _("Say until when, or until how much it grows."))
    if until is not None and until <= now:
        raise Unfit("until", _("That time has passed."))
    if not note.strip():
        raise Unfit("note", _("Say why it may wait."))
    values = {"snoozed_until": until, "grow_count": grow_count, "grow_amount": grow_amount}
    return _decide(anomaly, Decision.SNOOZED, by=by, now=now, note=note.strip(), **values)


@transaction.atomic
def dismiss(*, anomaly: Anomaly, by: Person, reason: str, note: str, now: datetime, seen: str | None = None) -> bool:
    """Says that nothing has to be done, why, and in words. ``seen`` is the digest of the facts the person looked at:
    it reopens when they change."""
    if reason not in Dismissal.values:
        raise Unfit("reason", _("Choose a reason."))
    if not note.strip():
        raise Unfit("note", _("Say why in a sentence: whoever reads this next year was not here."))
    note = _readable("note", note)
    if seen is not None and not _of(anomaly).filter(facts_digest=seen).exists():
        raise Moved
    digest = _of(anomaly).values_list("facts_digest", flat=True).get()
    values = {"dismissal": reason, "decided_digest": digest}
    return _decide(anomaly, Decision.DISMISSED, by=by, now=now, note=note, same={"dismissal": reason}, **values)


def _decide(
    anomaly: Anomaly,
    decision: Decision,
    *,
    by: Person,
    now: datetime,
    note: str,
    same: Mapping[str, Any] | None = None,
    **values: Any,
) -> bool:
    """From open or snoozed, by its owner or while nobody owns it, to ``decision``; with one audit entry."""
    decided = {"decision": decision, "decided_by": by.pk, "decided_at": now, "decision_note": note}
    mine = _of(anomaly).filter(state__in=AT_WORK, owner=None) | _of(anomaly).filter(state__in=AT_WORK, owner=by.pk)
    before = _told(_fresh(anomaly))
    if not mine.update(**{**UNDECIDED, **decided, **values}):
        return _was_decided(_fresh(anomaly), decision, by, now, same or {})
    after = _told(_fresh(anomaly))
    _record(f"anomaly_{decision}", anomaly, by.actor, reason=note, before=before, after=after)
    return True


def _was_decided(anomaly: Anomaly, decision: Decision, by: Person, now: datetime, same: Mapping[str, Any]) -> bool:
    if anomaly.state in AT_WORK:
        raise AlreadyClaimed(anomaly, now)
    done = anomaly.decision == decision and anomaly.decided_by_id == by.pk
    if done and all(getattr(anomaly, name) == value for name, value in same.items()):
        return False
    raise AlreadyDecided(anomaly, now)


@transaction.atomic
def reopen(*, anomaly: Anomaly, by: Person, now: datetime, note: str = "") -> bool:
    """Takes a snooze or a dismissal back. What an adjustment settled is reopened by that adjustment's reversal."""
    before = _told(_fresh(anomaly))
    if not _of(anomaly).filter(decision__in=OPEN_AGAIN).update(**UNDECIDED):
        fresh = _fresh(anomaly)
        if fresh.decision == Decision.SETTLED:
            raise Refused(_("An adjustment settled it. If that was wrong, reverse the adjustment."))
        return False
    _record("anomaly_reopened", anomaly, by.actor, reason=note, before=before, after=_told(_fresh(anomaly)))
    return True


@transaction.atomic
def settle(*, anomaly: Anomaly, actor: Actor, adjustment_id: UUID | str, occurrence: int, now: datetime) -> bool:
    """An applied adjustment answers this occurrence. False when it came back meanwhile: that one is not answered."""
    values = {"decision": Decision.SETTLED, "settled_by": adjustment_id, "decided_at": now}
    current = _of(anomaly).filter(occurrence=occurrence).exclude(decision=Decision.SETTLED)
    before = _told(_fresh(anomaly))
    if not current.update(**{**UNDECIDED, **values}):
        return False
    _record("anomaly_settled", anomaly, actor, before=before, after={"settled_by": str(adjustment_id)})
    return True


@transaction.atomic
def unsettle(*, anomaly: Anomaly, actor: Actor, adjustment_id: UUID | str, now: datetime) -> bool:
    """The adjustment that settled it was reversed: it is open again."""
    if not _of(anomaly).filter(settled_by=adjustment_id).update(**UNDECIDED):
        return False
    _record("anomaly_reopened", anomaly, actor, before={"settled_by": str(adjustment_id)}, after={"decision": "open"})
    return True


# What is said and done -----------------------------------------------------------------------------------------------


@transaction.atomic
def note(*, anomaly: Anomaly, by: Person, text: str, now: datetime) -> Note:
    if not text.strip():
        raise Unfit("text", _("Write something first."))
    made = Note.objects.create(anomaly=anomaly, author_id=by.pk, at=now, text=_readable("text", text))
    _record("anomaly_noted", anomaly, by.actor, after={"note": made.pk})
    return made


@transaction.atomic
def tick(*, anomaly: Anomaly, by: Person, step: str, now: datetime) -> bool:
    """A runbook step is done, for this occurrence. False when somebody ticked it before."""
    done = {"by_id": by.pk, "at": now}
    occurrence = _fresh(anomaly).occurrence
    _tick, is_new = StepTick.objects.get_or_create(anomaly=anomaly, occurrence=occurrence, step=step, defaults=done)
    if is_new:
        _record("anomaly_step_ticked", anomaly, by.actor, after={"step": step})
    return is_new


@transaction.atomic
def untick(*, anomaly: Anomaly, by: Person, step: str, now: datetime) -> bool:
    occurrence = _fresh(anomaly).occurrence
    gone, _by_model = StepTick.objects.filter(anomaly=anomaly, occurrence=occurrence, step=step).delete()
    if gone:
        _record("anomaly_step_unticked", anomaly, by.actor, before={"step": step})
    return bool(gone)


# The pieces ----------------------------------------------------------------------------------------------------------


def _readable(field: str, text: str) -> str:
    try:
        return readable(text)
    except Unreadable as why:
        raise Unfit(field, why.message) from None


def _of(anomaly: Anomaly) -> Any:
    return Anomaly.objects.filter(pk=anomaly.pk)


def _fresh(anomaly: Anomaly) -> Anomaly:
    return Anomaly.objects.select_related("owner", "decided_by").get(pk=anomaly.pk)


def _told(anomaly: Anomaly) -> dict[str, Any]:
    """The decision as the audit log keeps it, without what is empty."""
    told = {name: getattr(anomaly, name) for name in UNDECIDED if name not in ("decided_by", "decided_digest")}
    return {name: value for name, value in told.items() if value not in (None, "")}


def _record(action: str, anomaly: Anomaly, actor: Actor, *, reason: str = "", **told: Any) -> None:
    record(
        actor=actor,
        action_type=action,
        target_type="anomaly",
        target_id=str(anomaly.pk),
        reason=reason,
        system=anomaly.system,
        metadata={**told, "fingerprint": anomaly.fingerprint},
    )
