"""A timeline as a screen tells it. A source that does not answer takes its own events with it, and nothing else."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from anomalies.timeline import Step, steps, timeline
from systems.base import Personal, System
from systems.reading import Questions, SourceUnavailable, reading

log = logging.getLogger(__name__)

PATIENCE_MS = 2_000


@dataclass(frozen=True)
class Told:
    steps: list[Step]
    unavailable: SourceUnavailable | None = None
    holds_personal: bool = False  # something is masked, and could be shown


def told_timeline(system: System, kind: str, subject: str, *, now: datetime, clear: bool = False) -> Told:
    def ask(source: Questions | None) -> list[Step]:
        return steps(timeline(system, source, kind, subject, now))

    found, unavailable = asked(system, ask, now=now)
    masked = any(isinstance(value, Personal) for step in found for value in step.event.details.values())
    return Told([cleared(step) for step in found] if clear else found, unavailable, masked)


def asked(
    system: System, ask: Callable[[Questions | None], Any], *, now: datetime
) -> tuple[Any, SourceUnavailable | None]:
    """What the source says; if it does not answer, or its room breaks, what there is to say without it, and why."""
    try:
        with reading(system, now=now, timeout_ms=PATIENCE_MS) as source:
            return ask(source), None
    except SourceUnavailable as error:
        return ask(None), error
    except Exception as error:
        log.exception("The room of %s broke.", system.slug)
        return ask(None), SourceUnavailable(system.slug, f"{type(error).__name__}: {error}", "")


def cleared(step: Step) -> Step:
    return replace(step, event=replace(step.event, details=unmasked(step.event.details)))


def unmasked(details: Mapping[Any, Any]) -> dict[Any, Any]:
    return {name: value.value if isinstance(value, Personal) else value for name, value in details.items()}
