"""Looks again at known anomalies that the window did not show, the ones checked longest ago first.

Only "asked about, and not found" clears. A subject the source no longer knows, a rule that fails or is no more: each
has a presence of its own, and stays on the desk.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from anomalies.models import Anomaly, DetectionRun
from anomalies.models.states import Presence
from anomalies.observation import note_gone, observe
from anomalies.storable import storable_finding
from systems import registry
from systems.base import Facts, Finding, NotOffered, Row, Rule, System
from systems.facts import holds, judged, of_subjects, once
from systems.reading import reading

log = logging.getLogger(__name__)

AT_ONCE = 500
TIMEOUT_MS = 30_000


@dataclass
class Rechecked:
    checked: int = 0
    cleared: int = 0
    gone: int = 0
    not_checkable: int = 0


def due(system: System, *, now: datetime, whole: bool, budget: int) -> list[Anomaly]:
    """The known ones whose check is longest ago. A sweep also looks at what people have answered."""
    known = Anomaly.objects.for_system(system.slug).present().filter(checked_at__lt=now)
    return list((known if whole else known.at_work()).order_by("checked_at", "pk")[:budget])


def recheck(anomalies: Iterable[Anomaly], now: datetime) -> Rechecked:
    """Asks the sources about these anomalies, and keeps the answers."""
    tally = Rechecked()
    by_system: dict[str, list[Anomaly]] = defaultdict(list)
    for anomaly in anomalies:
        by_system[anomaly.system].append(anomaly)
    for slug, group in by_system.items():
        recheck_in(registry.get(slug), group, now=now, tally=tally)
    return tally


def recheck_in(
    system: System,
    anomalies: Iterable[Anomaly],
    *,
    now: datetime,
    tally: Rechecked,
    run: DetectionRun | None = None,
) -> None:
    for facts, batch in _batches(system, anomalies):
        if facts is None:
            tally.not_checkable += note_gone(batch, Presence.NOT_CHECKABLE, now=now, run=run)
        else:
            _recheck(system, facts, batch, now=now, run=run, tally=tally)
        tally.checked += len(batch)


def _batches(system: System, anomalies: Iterable[Anomaly]) -> Iterator[tuple[Facts | None, list[Anomaly]]]:
    """By facts source; None where the room no longer has the rule."""
    by_facts: dict[str | None, list[Anomaly]] = defaultdict(list)
    for anomaly in anomalies:
        by_facts[_facts_name(system, anomaly)].append(anomaly)
    for name, group in by_facts.items():
        facts = next((facts for facts in system.facts if facts.name == name), None)
        for start in range(0, len(group), AT_ONCE):
            yield facts, group[start : start + AT_ONCE]


def _facts_name(system: System, anomaly: Anomaly) -> str | None:
    try:
        return system.rule(anomaly.rule).facts
    except NotOffered:
        return None


def _recheck(
    system: System,
    facts: Facts,
    batch: Sequence[Anomaly],
    *,
    now: datetime,
    run: DetectionRun | None,
    tally: Rechecked,
) -> None:
    answer = _ask(system, facts, batch, now)
    wanted = {anomaly.fingerprint: anomaly for anomaly in batch}
    seen = [finding for finding in answer.found if finding.fingerprint in wanted]
    observe(seen, system=system, now=now, run=run)
    left = wanted.keys() - {finding.fingerprint for finding in seen}
    by_presence: dict[Presence, list[Anomaly]] = defaultdict(list)
    for fingerprint in sorted(left):
        by_presence[answer.presence_of(wanted[fingerprint])].append(wanted[fingerprint])
    tally.cleared += note_gone(by_presence[Presence.ABSENT], Presence.ABSENT, now=now, run=run)
    tally.gone += note_gone(by_presence[Presence.SUBJECT_GONE], Presence.SUBJECT_GONE, now=now, run=run)
    tally.not_checkable += note_gone(by_presence[Presence.NOT_CHECKABLE], Presence.NOT_CHECKABLE, now=now, run=run)


@dataclass(frozen=True)
class Answer:
    """What the source said about some subjects: who is known to it, what was found, which rules could not be asked."""

    subjects: frozenset[str]
    found: tuple[Finding, ...]
    broken: frozenset[str]

    def presence_of(self, anomaly: Anomaly) -> Presence:
        if anomaly.rule in self.broken:
            return Presence.NOT_CHECKABLE
        return Presence.ABSENT if anomaly.subject in self.subjects else Presence.SUBJECT_GONE


def _ask(system: System, facts: Facts, batch: Sequence[Anomaly], now: datetime) -> Answer:
    subjects = sorted({anomaly.subject for anomaly in batch})
    rules = {anomaly.rule for anomaly in batch}
    try:
        with reading(system, now=now, timeout_ms=TIMEOUT_MS) as source:
            rows = of_subjects(source, facts, subjects)
    except Exception as error:
        log.warning("The facts %s of %s could not be asked again: %s", facts.name, system.slug, error)
        return Answer(frozenset(), (), frozenset(rules))
    return _answer(system, facts, rows, [system.rule(code) for code in sorted(rules)])


def _answer(system: System, facts: Facts, rows: Sequence[Row], rules: Sequence[Rule]) -> Answer:
    found, broken = [], set()
    for rule in rules:
        try:
            found += once(judged(system, rule, row) for row in rows if holds(rule, row))
        except Exception as error:
            log.warning("The rule %s of %s failed: %s", rule.code, system.slug, error)
            broken.add(rule.code)
    subjects = frozenset(str(row[facts.subject]) for row in rows)
    return Answer(subjects, tuple(map(storable_finding, found)), frozenset(broken))
