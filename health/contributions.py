"""What other engines add to these screens, named by dotted path in the settings, so that no import turns round.

``BOARD_CONTRIBUTORS``: ``(now) -> {slug: [figure, …]}``, a figure being a mapping of the fields of ``Figure``.
``HEALTH_PANELS``: ``(request, slug) -> {"title": …, "html": …}``, or None for nothing. Both read stored rows only.
One that fails is named on the page and logged; the rest of the page stays.
``ENGINE_PROBES``: ``(system) -> (probe, …)``, measured of every system beside its room's own. What they are handed in
place of a source has ``now`` and nothing to ask.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.module_loading import import_string

from systems.base import Level, Probe, System

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure on a system's card: a value or an instant, a note in words, a place to look closer."""

    label: Any
    value: Any = ""
    at: datetime | None = None
    is_instant: bool = False
    note: Any = ""
    url: str = ""
    level: Level | None = None

    @classmethod
    def of(cls, given: dict[str, Any]) -> "Figure":
        level = Level(given["level"]) if given.get("level") else None
        return cls(**{**given, "level": level}, is_instant="at" in given)


@dataclass
class Contributions:
    """What was given, and the paths of those that failed to give."""

    given: Any
    missing: list[str] = field(default_factory=list)


def engine_probes(system: System) -> tuple[Probe, ...]:
    return tuple(one for path in settings.ENGINE_PROBES for one in import_string(path)(system))


def probes_of(system: System) -> tuple[Probe, ...]:
    """Everything that is measured of a system: what the engines know first, then what its room asks."""
    return (*engine_probes(system), *system.probes)


def figures(now: datetime) -> Contributions:
    """The figures of every system by slug, in the order of the settings."""
    answer = Contributions(defaultdict(list))
    for path in settings.BOARD_CONTRIBUTORS:
        by_slug = _ask(path, answer, _board_figures, now)
        for slug, found in (by_slug or {}).items():
            answer.given[slug] += found
    return answer


def _board_figures(contributor: Callable, now: datetime) -> dict[str, list[Figure]]:
    return {slug: [Figure.of(dict(one)) for one in found] for slug, found in contributor(now).items()}


def panels(request: HttpRequest, slug: str) -> Contributions:
    answer = Contributions([])
    for path in settings.HEALTH_PANELS:
        if panel := _ask(path, answer, lambda contributor: contributor(request, slug)):
            answer.given.append(panel)
    return answer


def _ask(path: str, answer: Contributions, question: Callable, *arguments: Any) -> Any:
    try:
        with transaction.atomic():  # a statement that fails takes nothing else along
            return question(import_string(path), *arguments)
    except Exception:
        logger.exception("%s failed to contribute.", path)
        answer.missing.append(path)
        return None


def leveled(found: Sequence[Figure]) -> list[Figure]:
    """The figures that say how well things are."""
    return [figure for figure in found if figure.level]
