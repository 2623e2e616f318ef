"""Why is this, or why is it not, an anomaly? Every rule about a subject, each condition with what was observed.

It asks the same facts and judges them by the same rules as detection does, so the two cannot disagree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction

from anomalies.storable import storable_finding, storable_text
from systems.base import Facts, Finding, Row, Rule, System, Verdict
from systems.facts import holds, judged, of_subjects
from systems.reading import Questions


class Role(StrEnum):
    """What a boolean does in a rule."""

    CONDITION = "condition"  # must be as wanted for the rule to match
    EXPECTED = "expected"  # makes a match expected
    CANNOT_TELL = "cannot_tell"  # says that the source does not hold the answer


@dataclass(frozen=True, kw_only=True)
class Condition:
    name: str
    sentence: Any  # true when the boolean is
    wanted: bool
    observed: bool | None  # None: what was kept does not say
    role: Role

    @property
    def met(self) -> bool:
        return self.observed is self.wanted

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "sentence": str(self.sentence),
            "wanted": self.wanted,
            "observed": self.observed,
            "met": self.met,
            "role": str(self.role),
        }


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the facts about the subject, judged: a subject with two transactions has two."""

    conditions: tuple[Condition, ...]
    holds: bool
    finding: Finding  # what it is, or would be were the conditions met

    @property
    def verdict(self) -> Verdict | None:
        return self.finding.verdict if self.holds else None

    @property
    def unmet(self) -> int:
        return sum(not condition.met for condition in self.conditions if condition.role == Role.CONDITION)

    def as_json(self) -> dict[str, Any]:
        finding = self.finding
        return {
            "holds": self.holds,
            "verdict": str(self.verdict) if self.verdict else None,
            "fingerprint": finding.fingerprint,
            "observed_at": instant(finding.observed_at),
            "amount": finding.amount,
            "unit": finding.unit,
            "conditions": [condition.as_json() for condition in self.conditions],
            "facts": finding.facts,
        }


@dataclass(frozen=True, kw_only=True)
class RuleExplanation:
    """One rule and what it says. No case: the source knows nothing of the subject that the rule could judge."""

    rule: Rule
    kind: str
    subject: str
    cases: tuple[Case, ...] = ()
    error: str = ""

    @property
    def holds(self) -> bool:
        return any(case.holds for case in self.cases)

    @property
    def verdict(self) -> Verdict | None:
        return next((case.verdict for case in self.cases if case.holds), None)

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule.code,
            "title": str(self.rule.title),
            "kind": self.kind,
            "subject": self.subject,
            "known": bool(self.cases),
            "holds": self.holds,
            "verdict": str(self.verdict) if self.verdict else None,
            "cases": [case.as_json() for case in self.cases],
            "error": self.error,
        }


def explain(system: System, source: Questions, kind: str, subject: str) -> list[RuleExplanation]:
    """Every rule about that kind of subject. A facts source that fails says so; the others are asked all the same."""
    return [told for facts in system.facts if facts.kind == kind for told in _of_facts(system, source, facts, subject)]


def _of_facts(system: System, source: Questions, facts: Facts, subject: str) -> Iterator[RuleExplanation]:
    rules = [rule for rule in system.rules if rule.facts == facts.name]
    told = {"kind": facts.kind, "subject": subject}
    try:
        with transaction.atomic(using=source.connection.alias):
            rows = of_subjects(source, facts, [subject])
    except Exception as error:
        yield from (RuleExplanation(rule=rule, error=storable_text(str(error)), **told) for rule in rules)
        return
    for rule in rules:
        yield _of_rule(system, rule, rows, told)


def _of_rule(system: System, rule: Rule, rows: list[Row], told: dict[str, str]) -> RuleExplanation:
    try:
        cases = sorted((_case(system, rule, row) for row in rows), key=lambda case: case.unmet)
    except Exception as error:
        return RuleExplanation(rule=rule, error=storable_text(f"{type(error).__name__}: {error}"), **told)
    return RuleExplanation(rule=rule, cases=tuple(cases), **told)


def _case(system: System, rule: Rule, row: Row) -> Case:
    finding = storable_finding(judged(system, rule, row))
    return Case(conditions=conditions(system, rule, row), holds=holds(rule, row), finding=finding)


def conditions(system: System, rule: Rule, row: Row) -> tuple[Condition, ...]:
    """What the rule asks of a row, each with what the row says; the row may be one that was kept long ago."""
    sentences = system.facts_of(rule).booleans
    asked = [(name, wanted, Role.CONDITION) for name, wanted in rule.when.items()]
    asked += [(rule.expected, True, Role.EXPECTED)] * bool(rule.expected)
    asked += [(rule.cannot_tell, True, Role.CANNOT_TELL)] * bool(rule.cannot_tell)
    return tuple(
        Condition(name=name, sentence=sentences.get(name, name), wanted=wanted, observed=row.get(name), role=role)
        for name, wanted, role in asked
    )


def instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
