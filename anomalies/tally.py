"""What a run has found so far, in numbers that stay small however much it finds."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from anomalies.models.states import ANSWERED
from anomalies.models.work import CheckEvent
from anomalies.observation import Observed
from systems.base import Finding, Severity, Verdict
from systems.facts import Window

SAMPLE = 20
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class Outcome:
    """One rule in one run."""

    since: datetime | None = None
    until: datetime | None = None
    found: int = 0
    anomaly: int = 0
    expected: int = 0
    cannot_tell: int = 0
    new: int = 0
    returned: int = 0
    reopened: int = 0
    milliseconds: int = 0
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        told = asdict(self)
        return {**told, **{name: told[name].isoformat() for name in ("since", "until") if told[name]}}


@dataclass
class Tally:
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    reported: int = 0  # anomalies as the audit log counts them: no notices, nothing expected, nothing answered
    reported_new: int = 0
    sample: list[Finding] = field(default_factory=list)

    def add(self, observed: Iterable[Observed]) -> None:
        for one in observed:
            self._count(one)
        self.sample = sorted(self.sample, key=_age, reverse=True)[:SAMPLE]

    def _count(self, one: Observed) -> None:
        outcome = self.outcomes[one.finding.rule]
        outcome.found += 1
        setattr(outcome, one.finding.verdict, getattr(outcome, one.finding.verdict) + 1)
        outcome.new += one.is_new
        outcome.returned += CheckEvent.RETURNED in one.events
        outcome.reopened += CheckEvent.REOPENED in one.events
        if is_reported(one):
            self.reported += 1
            self.reported_new += one.is_new
            self.sample.append(one.finding)

    @property
    def errors(self) -> dict[str, str]:
        return {rule: outcome.error for rule, outcome in self.outcomes.items() if outcome.error}

    @property
    def succeeded(self) -> list[str]:
        return [rule for rule, outcome in self.outcomes.items() if not outcome.error]

    def begin(self, rules: Iterable[str], window: Window) -> None:
        for rule in rules:
            self.outcomes[rule] = Outcome(since=window.since, until=window.until)

    def fail(self, rule: str, error: str) -> None:
        outcome = self.outcomes[rule]
        self.outcomes[rule] = Outcome(since=outcome.since, until=outcome.until, error=error)


def _age(finding: Finding) -> datetime:
    return finding.observed_at or LONG_AGO


def is_reported(one: Observed) -> bool:
    finding = one.finding
    wrong = finding.verdict == Verdict.ANOMALY and finding.severity != Severity.NOTICE
    return wrong and one.decision not in ANSWERED
