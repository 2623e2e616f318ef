"""Everything known about a subject in order of time: the room's own events, and what the engines have to add.

Engines that keep something about subjects name a callable ``(slug, kind, subject) -> Iterable[Event]`` in
``settings.TIMELINE_CONTRIBUTORS``. They answer from stored rows, so a source that is down takes only its own events
with it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from anomalies.storable import storable
from billingadmin.masking import masked
from systems.base import Event, NotOffered, Personal, System, Unrecognised
from systems.reading import Questions

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Step:
    """An event, and how long after the one before it. A ghost did not happen, so no time is measured to it or from
    it."""

    event: Event
    gap: timedelta | None


def timeline(system: System, source: Questions | None, kind: str, subject: str, now: datetime) -> list[Event]:
    """The events in order. Without a source, only what the console itself has kept. A ghost stands where it was due;
    one that is not due yet is not missing and does not stand at all."""
    events = [*_of_room(system, source, kind, subject), *_of_engines(system.slug, kind, subject)]
    missing = (event for event in events if not (event.ghost and event.at and event.at > now))
    return sorted(missing, key=_place)


def _of_room(system: System, source: Questions | None, kind: str, subject: str) -> Sequence[Event]:
    """Nothing of a subject that cannot be one of its kind: a source may hold anything where an id should be."""
    try:
        known = system.subject_kind(kind)
    except NotOffered:
        return ()
    canonical = known.recognise(subject)
    return known.timeline(source, canonical) if source and canonical else ()


def _of_engines(slug: str, kind: str, subject: str) -> Iterator[Event]:
    for path in settings.TIMELINE_CONTRIBUTORS:
        yield from import_string(path)(slug, kind, subject)


def _place(event: Event) -> tuple[datetime, bool]:
    return (event.at or END_OF_TIME, event.ghost)


def steps(events: Iterable[Event]) -> list[Step]:
    found, before = [], None
    for event in events:
        happened = event.at is not None and not event.ghost
        found.append(Step(event, event.at - before if happened and before else None))
        before = event.at if happened else before
    return found


def as_json(step: Step) -> dict[str, Any]:
    event = step.event
    return {
        "at": event.at.isoformat() if event.at else None,
        "after_seconds": int(step.gap.total_seconds()) if step.gap is not None else None,
        "kind": event.kind,
        "title": str(event.title),
        "ghost": event.ghost,
        "amount": event.amount,
        "unit": event.unit,
        "details": {str(name): told(value) for name, value in event.details.items()},
        "marks": [str(mark) for mark in event.marks],
        "links": [{"label": str(link.label), "url": link.url} for link in event.links],
    }


def told(value: Any) -> Any:
    """A detail as text may carry it: personal values masked, words we do not know marked."""
    match value:
        case Personal():
            return masked(value.value)
        case Unrecognised():
            return f"{value.value} (?)"
        case list() | tuple():
            return [told(member) for member in value]
        case _:
            return storable(value)
