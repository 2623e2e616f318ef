"""One search box over all systems: each is asked in a thread of its own and has 300 ms.

What answered is shown, what did not is named.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connections
from django.shortcuts import resolve_url
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from anomalies.models import Anomaly, LogLine
from anomalies.queue import Filter, narrowed
from anomalies.rooms import named, system_of
from anomalies.subjects import Subject, readings_of
from systems import registry
from systems.base import Match, System
from systems.reading import SourceUnavailable, reading

NUMBER = re.compile(r"#?(\d{1,18})")
CUT_OFF = re.compile(r"(?=(?:-?[0-9a-f]){8})[0-9a-f-]{8,36}", re.IGNORECASE)
PATIENCE_MS = 300
MOST = 20  # anomalies shown; matches of one kind in one system

Ask = Callable[[System, str, datetime], list[Match]]


@dataclass(frozen=True)
class Hit:
    system: System
    kind: str  # in words
    match: Match


@dataclass(frozen=True)
class Silent:
    """A system that did not answer, and why."""

    system: System
    reason: str


@dataclass
class Results:
    text: str
    hits: list[Hit] = field(default_factory=list)
    silent: list[Silent] = field(default_factory=list)
    asked: int = 0  # systems for which the text could be an identifier
    anomalies: list[Anomaly] = field(default_factory=list)
    own: list[Mapping[str, Any]] = field(default_factory=list)  # what the console itself numbers: label, system, url

    @property
    def only(self) -> Hit | Mapping[str, Any] | None:
        """The one thing it can mean, when every system that could know has answered."""
        meant = [*self.hits, *self.own]
        return meant[0] if len(meant) == 1 and not self.silent else None

    @property
    def is_cut_off(self) -> bool:
        """The beginning of a uuid: no source is asked for all that begins so."""
        return bool(CUT_OFF.fullmatch(self.text)) and len(self.text.replace("-", "")) < 32


def search(text: str, *, now: datetime) -> Results:
    results = Results(text)
    candidates = [system for system in registry.all_systems() if readings_of(system, text)]
    results.asked = len(candidates)
    for system, answer in _in_parallel(ask, candidates, text, now):
        if isinstance(answer, Silent):
            results.silent.append(answer)
        else:
            results.hits += [Hit(system, kind_label(system, match), match) for match in answer]
    naming = narrowed(Filter(text=text), any_state=True).order_by("urgency", "-observed_at", "-pk")
    results.anomalies = list(naming[:MOST])
    number = NUMBER.fullmatch(text)
    for path in settings.SEARCH_CONTRIBUTORS:
        results.own += import_string(path)(int(number[1]) if number else None, text)
    return results


def own(number: int | None, text: str) -> Iterator[dict[str, Any]]:
    """The anomaly of that number, and the subjects that the log lines of that request name."""
    for found in Anomaly.objects.filter(pk=number) if number is not None else ():
        rule = named(found.system, found.rule)
        label = _("Anomaly %(number)d: %(title)s") % {"number": found.pk, "title": rule.title}
        yield {"label": label, "system": rule.label, "url": resolve_url("anomalies:anomaly", found.pk)}
    lines = LogLine.objects.filter(request_id=text).exclude(subject="") if text else LogLine.objects.none()
    for slug, subject in lines.order_by().values_list("system", "subject").distinct()[:MOST]:
        yield from _logged(slug, subject)


def _logged(slug: str, subject: str) -> Iterator[dict[str, Any]]:
    """A log names a subject and not its kind: the room says what it can be, its first kind first."""
    system = system_of(slug)
    for found in readings_of(system, subject)[:1] if system else ():
        url = resolve_url("anomalies:subject", slug, found.kind.slug, found.id)
        yield {"label": f"{found.kind.label} {found.id}", "system": system.label, "url": url}


def ask(system: System, text: str, now: datetime) -> list[Match]:
    """What one system knows under that name."""
    with reading(system, now=now, timeout_ms=PATIENCE_MS) as source:
        return [match for subject in readings_of(system, text) for match in _found(source, subject)]


def _found(source: object, subject: Subject) -> list[Match]:
    return list(subject.kind.find(source, subject.id))[:MOST]


def kind_label(system: System, match: Match) -> str:
    return str(system.subject_kind(match.kind).label)


def _in_parallel(
    ask: Ask, systems: Iterable[System], text: str, now: datetime
) -> Iterable[tuple[System, list[Match] | Silent]]:
    systems = list(systems)
    if not systems:
        return
    pool = ThreadPoolExecutor(max_workers=len(systems), thread_name_prefix="search")
    language = translation.get_language()
    futures = {system.slug: pool.submit(_alone, ask, system, text, now, language) for system in systems}
    wait(futures.values(), timeout=PATIENCE_MS / 1000)
    pool.shutdown(wait=False, cancel_futures=True)
    for system in systems:
        yield system, _answer(system, futures[system.slug])


def _alone(ask: Ask, system: System, text: str, now: datetime, language: str) -> list[Match]:
    """In a thread of its own, and so on a connection of its own, which goes with it; in the reader's language."""
    try:
        with translation.override(language):
            return ask(system, text, now)
    finally:
        connections[system.slug].close()


def _answer(system: System, future: "Future[list[Match]]") -> list[Match] | Silent:
    if not future.done() or future.cancelled():
        return Silent(system, f"no answer within {PATIENCE_MS} ms")
    error = future.exception()
    if isinstance(error, SourceUnavailable):
        return Silent(system, error.reason)
    return Silent(system, f"{type(error).__name__}: {error}") if error else future.result()
