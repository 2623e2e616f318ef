"""Flip a switch: asked by a person with a reason, done at once, read back, and reviewed by another within a day.

A value that the console keeps changes in the asking's own transaction. Whatever is out there is flipped by the worker:
it notes that it begins, reads the value before, sets it, reads it back, and notes what it read. What dies in between is
unknown, and is read back before anything else is tried.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from procrastinate.exceptions import AlreadyEnqueued

from adjustments import ledger
from adjustments.people import Person
from adjustments.standing import Refusal, Unready
from adjustments.switches import backends
from adjustments.switches.models import Flip, FlipState, Opinion, Review, Sight
from adjustments.switches.standing import value_of
from audit.log import acting, job_actor
from billingadmin.texts import Unreadable, readable
from jobs.queue import app
from systems import registry
from systems.base import CannotTell, ConsoleValue, Switch, System

WORKER = job_actor("adjustments.switch")
TIMEKEEPER = job_actor("switches_return")
STALE = timedelta(minutes=10)  # what was asked for this long ago is not done any more: the world has moved on

SENTENCES = {
    "flip_by_who_may": gettext_lazy("Your roles do not include this."),
    "flip_one_at_a_time": gettext_lazy("Somebody is flipping it at this moment."),
    "flip_until_is_later": gettext_lazy("“Until” must lie ahead."),
    "review_by_another": gettext_lazy("You flipped it; another approver reviews it."),
    "review_by_who_may": gettext_lazy("Only an approver reviews a switch."),
    "review_of_what_was_flipped": gettext_lazy("There is nothing to review: nothing was changed."),
    "adjustments_review_flip_id_key": gettext_lazy("Somebody was faster: it is reviewed."),
}


def flip(
    *, system: System, switch: Switch, value: str, person: Person, reason: str, now: datetime, until: datetime | None
) -> Flip:
    taken = switch.taken(value)
    if taken is None:
        raise Refusal(_("“%s” is no value that this switch takes.") % value[:80])
    with _told(), acting(person.actor, reason=_reason(reason)):
        asked = Flip(system=system.slug, switch=switch.code, value=taken, until=until, flipped_by_id=person.pk)
        return _ask(asked, switch, reason, now)


def review(*, flip: Flip, person: Person, opinion: Opinion, note: str, back: bool, now: datetime) -> Review:
    """``back`` flips it back as well, for whoever objects."""
    note = _reason(note) if opinion == Opinion.OBJECT else note.strip()
    with _told(), acting(person.actor, reason=note):
        said = Review.objects.create(flip=flip, opinion=opinion, note=note, reviewer_id=person.pk, at=now)
        if back:
            flip_back(flip, note, now, person=person)
    return said


def flip_back(flip: Flip, reason: str, now: datetime, *, person: Person | None = None) -> Flip:
    """To what it was before, unless somebody has set another value meanwhile. Within ``acting``."""
    switch = registry.get(flip.system).switch(flip.switch)
    before = switch.taken(flip.before_value) if flip.before_value is not None else None
    if before is None:
        raise Refusal(_("It cannot be flipped back: what it was before is no value that can be set."))
    back = Flip(system=flip.system, switch=flip.switch, value=before, returns=flip)
    back.flipped_by_id = person.pk if person else None
    return _ask(back, switch, reason, now)


def return_due(now: datetime) -> str:
    """Flips back what was flipped until now. What failed is tried again after a while."""
    due = [flip for flip in Flip.objects.done().filter(until__lte=now) if _is_to_return(flip, now)]
    for flip in due:
        reason = _("Its time has passed: %s") % flip.reason
        with acting(TIMEKEEPER, reason=reason):
            flip_back(flip, reason, now)
    return _("%d switches were flipped back.") % len(due)


def _is_to_return(flip: Flip, now: datetime) -> bool:
    switch = registry.get(flip.system).switch(flip.switch)
    later = Flip.objects.of(flip.system, flip.switch).filter(pk__gt=flip.pk)
    tried = later.filter(returns=flip, state=FlipState.FAILED, ended_at__lte=now - STALE)
    others = later.exclude(pk__in=tried)
    can = flip.before_value is not None and switch.taken(flip.before_value) is not None
    return switch.returns and can and not others.exists()


# The worker's part ---------------------------------------------------------------------------------------------------


def enqueue(pk: int) -> bool:
    try:
        app.configure_task("adjustments.switch", queue="apply", queueing_lock=f"switch {pk}").defer(flip=pk)
    except AlreadyEnqueued:
        return False
    return True


def perform(pk: int, now: datetime, clock: Any) -> str:
    """Once: whoever finds it begun leaves it. ``clock()`` tells the time when it has ended."""
    flip = Flip.objects.get(pk=pk)
    if why := ledger.why_unready(now):
        return why  # it stays asked for: the next look asks the worker again
    if not _begin(flip, now):
        return f"{flip} is {flip.state}."
    switch = registry.get(flip.system).switch(flip.switch)
    state, columns = _turn(flip, switch, now)
    _end(flip, state, now=clock(), **columns)
    return f"{flip} is {state.value}. {columns['why']}".strip()


def _begin(flip: Flip, now: datetime) -> bool:
    with acting(WORKER, reason=flip.reason):
        asked = Flip.objects.filter(pk=flip.pk, state=FlipState.ASKED)
        return asked.update(state=FlipState.UNDER_WAY, started_at=now) == 1


def _turn(flip: Flip, switch: Switch, now: datetime) -> tuple[FlipState, dict[str, Any]]:
    if now - flip.asked_at > STALE:
        return FlipState.FAILED, {"why": _("The worker came to it too late. Nothing was changed; flip it again.")}
    try:
        before = backends.read(switch)
    except CannotTell as why:
        return FlipState.FAILED, {"why": _("It could not be read, so nothing was changed: %s") % why}
    if flip.returns and not switch.holds(flip.returns.value, before):
        return FlipState.LEFT, {"before_value": before, "effective_value": before, "why": _left(before)}
    with acting(WORKER, reason=flip.reason):  # kept now: whoever dies in the next step leaves it to be known
        Flip.objects.filter(pk=flip.pk).update(before_value=before)
    answer = backends.write(switch, flip.value)
    return judged(flip, switch, answer, before)


def judged(flip: Flip, switch: Switch, answer: backends.Answer, before: str) -> tuple[FlipState, dict[str, Any]]:
    """By what is read back, whatever the backend said of itself."""
    columns = {"before_value": before, "why": answer.why}
    try:
        effective = backends.read(switch)
    except CannotTell as why:
        refused = answer.outcome == backends.Outcome.REFUSED
        columns["why"] = f"{answer.why} {why}".strip()
        return FlipState.FAILED if refused else FlipState.UNKNOWN, columns
    columns["effective_value"] = effective
    if answer.outcome == backends.Outcome.UNKNOWN and switch.holds(flip.value, before):
        return FlipState.UNKNOWN, columns  # it read so before: nothing tells whether a restart took place
    if switch.holds(flip.value, effective) and answer.outcome != backends.Outcome.REFUSED:
        return FlipState.DONE, columns
    columns["why"] = columns["why"] or _("It did not take.")
    return FlipState.FAILED, columns


def _end(flip: Flip, state: FlipState, *, now: datetime, **columns: Any) -> None:
    with acting(WORKER, reason=flip.reason):
        Flip.objects.filter(pk=flip.pk).update(state=state, ended_at=now, **columns)
        if effective := columns.get("effective_value"):
            seen = {"value": effective, "why": "", "looked_at": now}
            Sight.objects.update_or_create(system=flip.system, switch=flip.switch, defaults=seen)


def _left(value: str) -> str:
    return _("Somebody set it to “%s” meanwhile, so it was left.") % value


def _ask(flip: Flip, switch: Switch, reason: str, now: datetime) -> Flip:
    if why := ledger.why_unready(now):
        raise Unready(why)
    flip.reason, flip.asked_at = readable(reason), now
    flip.save(force_insert=True)
    if isinstance(switch.backend, ConsoleValue):
        _turn_here(flip, switch, now)
    else:
        enqueue(flip.pk)
    flip.refresh_from_db()
    return flip


def _turn_here(flip: Flip, switch: Switch, now: datetime) -> None:
    """The console's own value: nothing can go wrong between the asking and the doing."""
    before = value_of(flip.system, switch)
    moved = flip.returns and before != flip.returns.value
    state = FlipState.LEFT if moved else FlipState.DONE
    columns = {"effective_value": before if moved else flip.value, "why": _left(before) if moved else ""}
    Flip.objects.filter(pk=flip.pk).update(state=state, before_value=before, started_at=now, ended_at=now, **columns)


def _reason(text: str) -> str:
    try:
        return readable(text)
    except Unreadable as why:
        raise Refusal(why.message) from None


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        diagnosis: Any = error.__cause__
        if (name := diagnosis.diag.constraint_name) not in SENTENCES:
            raise
        raise Refusal(str(SENTENCES[name])) from error
