"""One run of one system: all its rules, each over its own window, then a second look at what is known.

Detection never moves money, and it never stops for one of its parts: a rule or a source that fails is written down,
and everything else is found all the same.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from time import monotonic
from typing import Any

from django.db import transaction

from anomalies import rechecks
from anomalies.models import DetectionRun
from anomalies.models.runs import RunState, Trigger
from anomalies.models.work import CheckEvent
from anomalies.observation import NotKept, Observed, observe
from anomalies.runs import begin, held
from anomalies.snoozing import wake
from anomalies.standing import standing
from anomalies.storable import storable_finding, storable_text
from anomalies.tally import Tally
from anomalies.windows import Asked, Question, earliest, move_marks, questions
from audit.log import Actor, record
from systems.base import Finding, System
from systems.facts import findings
from systems.reading import SourceUnavailable, reading

log = logging.getLogger(__name__)

BATCH = 1_000  # findings kept in one transaction
WINDOW_TIMEOUT_MS = 30_000
SWEEP_TIMEOUT_MS = 300_000
RECHECKS = 2_000  # known anomalies looked at again in one run, and in a sweep of all history
SWEEP_RECHECKS = 50_000

Progress = Callable[[str, int, int], None]
Report = Callable[[Finding], None]


def silent(*_arguments: Any) -> None:
    """Nobody watches."""


def detect(
    system: System,
    *,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
    whole: bool = False,
    dry_run: bool = False,
    trigger: Trigger = Trigger.COMMAND,
    actor: Actor,
    progress: Progress = silent,
    report: Report = silent,
) -> DetectionRun:
    """Runs the rules over the default window, the one given, or all history. ``report`` is told each finding once.

    Raises AlreadyRunning when another run of the system is at it. A dry run keeps nothing: no finding, no mark, no
    entry, and its own row is not saved.
    """
    asked = Asked(since=since, until=until, whole=whole)
    todo = questions(system, asked, now)
    work = Work(system, now, whole=earliest(todo) is None and until is None, progress=progress, report=report)
    if dry_run:
        work.rehearse(todo)
        return _unsaved(work, trigger, actor)
    with held(system):
        window = {"since": earliest(todo), "until": until, "whole": work.whole}
        work.run = begin(system, now=now, trigger=trigger, actor=actor, **window)
        try:
            _run(work, todo, asked)
        except Exception as error:
            close(work, error=_told(error))
            raise
    return work.run


class Work:
    """What one run carries along."""

    def __init__(self, system: System, now: datetime, *, whole: bool, progress: Progress, report: Report) -> None:
        self.system, self.now, self.whole = system, now, whole
        self.progress, self.report = progress, report
        self.tally = Tally()
        self.run: DetectionRun | None = None
        self.started = monotonic()
        self.told: set[str] = set()
        self.new: set[int] = set()

    def keep(self, batch: Sequence[Finding]) -> None:
        """A rule that is asked a second time, alone, finds again what it found before: new stays new."""
        observed = observe(batch, system=self.system, now=self.now, run=self.run)
        self.new |= {one.anomaly for one in observed if one.is_new}
        self.tally.add(map(self._as_first_seen, observed))
        self.tell(batch)

    def _as_first_seen(self, one: Observed) -> Observed:
        return replace(one, events=(CheckEvent.FOUND,)) if one.anomaly in self.new else one

    def rehearse(self, todo: Iterable[Question]) -> None:
        for question in todo:
            ask(self, question, self._rehearse)

    def _rehearse(self, batch: Sequence[Finding]) -> None:
        self.tally.add(Observed(finding=finding, anomaly=0, decision="open", events=()) for finding in batch)
        self.tell(batch)

    def tell(self, batch: Sequence[Finding]) -> None:
        for finding in batch:
            if self.report is not silent and finding.fingerprint not in self.told:
                self.told.add(finding.fingerprint)
                self.report(finding)


# Asking --------------------------------------------------------------------------------------------------------------


def ask(work: Work, question: Question, keep: Callable[[Sequence[Finding]], None]) -> None:
    """Asks a facts source once for all rules that share it; if that fails, each of them alone, so that only the
    broken one fails."""
    rules = [rule.code for rule in question.rules]
    work.tally.begin(rules, question.window)
    began = monotonic()
    try:
        for batch in _batches(_found(work, question)):
            keep(batch)
    except NotKept:
        raise
    except Exception as error:
        _ask_each(work, question, keep, error)
    else:
        spent = int((monotonic() - began) * 1000)
        for rule in rules:
            work.tally.outcomes[rule].milliseconds = spent


def _ask_each(work: Work, question: Question, keep: Callable[[Sequence[Finding]], None], error: Exception) -> None:
    if len(question.rules) == 1 or _is_down(error):
        log.warning("Detection of %s failed for %s: %s", work.system.slug, question.facts.name, error)
        for rule in question.rules:
            work.tally.fail(rule.code, _told(error))
        return
    for rule in question.rules:
        ask(work, replace(question, rules=(rule,)), keep)


def _found(work: Work, question: Question) -> Iterator[Finding]:
    alone = replace(work.system, rules=question.rules)
    timeout = SWEEP_TIMEOUT_MS if question.window.whole else WINDOW_TIMEOUT_MS
    with reading(work.system, now=work.now, timeout_ms=timeout) as source:
        pieces = lambda done, total: work.progress(question.facts.name, done, total)  # noqa: E731
        yield from map(storable_finding, findings(alone, source, question.facts, question.window, pieces))


def _batches(found: Iterator[Finding]) -> Iterator[list[Finding]]:
    while batch := list(islice(found, BATCH)):
        yield batch


def _is_down(error: Exception) -> bool:
    """Whether asking each rule alone would only meet the same closed door: not connected, or no connection."""
    if not isinstance(error, SourceUnavailable):
        return False
    origin = error.__cause__ and error.__cause__.__cause__
    return error.__cause__ is None or getattr(origin, "sqlstate", "none of PostgreSQL's") is None


def _told(error: Exception) -> str:
    if isinstance(error, SourceUnavailable):
        return storable_text(f"{error.reason} {error.remedy}")
    return storable_text(f"{type(error).__name__}: {error}")


# The run -------------------------------------------------------------------------------------------------------------


def _run(work: Work, todo: Sequence[Question], asked: Asked) -> None:
    for question in todo:
        ask(work, question, work.keep)
    if not asked.by_hand:
        move_marks(work.system, work.tally.succeeded, work.now)
    if work.tally.succeeded:
        known = rechecks.due(
            work.system, now=work.now, whole=work.whole, budget=SWEEP_RECHECKS if work.whole else RECHECKS
        )
        again = rechecks.Rechecked()
        rechecks.recheck_in(work.system, known, now=work.now, tally=again, run=work.run)
        work.run.rechecked, work.run.cleared = again.checked, again.cleared
    wake(work.system.slug, now=work.now, run=work.run)
    close(work, error=_errors(work.tally))


def _errors(tally: Tally) -> str:
    return "\n".join(f"{rule}: {error}" for rule, error in sorted(tally.errors.items()))


def close(work: Work, *, error: str) -> None:
    """The run's row and its one audit entry, together or not at all."""
    with transaction.atomic():
        _fill(work, error)
        work.run.save()
        if work.tally.reported:
            _record(work)


def _fill(work: Work, error: str) -> None:
    run, tally = work.run, work.tally
    run.state = RunState.FAILED if error else RunState.DONE
    run.error = error
    run.finished_at = work.now + timedelta(seconds=monotonic() - work.started)
    run.count, run.new = tally.reported, tally.reported_new
    run.results = {rule: outcome.as_json() for rule, outcome in tally.outcomes.items()}
    run.standing = standing(work.system.slug)


def _unsaved(work: Work, trigger: Trigger, actor: Actor) -> DetectionRun:
    run = DetectionRun(system=work.system.slug, trigger=trigger, actor_id=actor.id, actor=actor.name)
    run.started_at = run.until = work.now
    work.run = run
    _fill(work, _errors(work.tally))
    return run


def _record(work: Work) -> None:
    run = work.run
    record(
        actor=Actor(run.actor_id, run.actor),
        action_type=work.system.audit_action or f"{work.system.slug}_billing_anomaly_detected",
        target_type="system",
        target_id=work.system.slug,
        system=work.system.slug,
        correlation_id=f"detection-{run.pk}",
        metadata={
            "count": run.count,
            "new": run.new,
            "since": run.since,
            "sample": [_sampled(finding) for finding in work.tally.sample],
            "auto_remediation": False,
        },
    )


def _sampled(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "subject": finding.subject,
        "fingerprint": finding.fingerprint,
        "severity": str(finding.severity),
        "observed_at": finding.observed_at,
        "amount": finding.amount,
        "unit": finding.unit,
    }
