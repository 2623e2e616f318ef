"""Asks a room's facts, and judges them by its rules. Detection and explanation both go through here, so that they
cannot disagree.

A rule is compiled to ``charged AND NOT refunded``: never ``IS FALSE``, which PostgreSQL cannot turn into a semi or anti
join. For facts that are computed, the same conditions are evaluated on the row.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from uuid import UUID

from billingadmin.sql import statement
from systems.base import Facts, Finding, Key, Row, Rule, System, Verdict
from systems.reading import Questions

SCOPED = Path(__file__).with_name("facts.sql")
KEYS_AT_ONCE = 5_000  # bounds the memory of a window after a long gap


@dataclass(frozen=True, kw_only=True)
class Window:
    """Half-open; None is unbounded. ``whole`` asks every key there is, whatever its time."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def whole(self) -> bool:
        return self.since is None


def findings(
    system: System,
    source: Questions,
    facts: Facts,
    window: Window,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Finding]:
    """What the rules on ``facts`` find within ``window``, piece by piece, each fingerprint once."""
    rules = tuple(rule for rule in system.rules if rule.facts == facts.name)
    pieces = _pieces(source, facts, window)
    for number, piece in enumerate(pieces, 1):
        rows = _rows(source, facts, piece, rules, window)
        yield from once(judged(system, rule, row) for row in rows for rule in rules if _due(rule, row, window))
        progress(number, len(pieces))


def of_subjects(source: Questions, facts: Facts, subjects: Sequence[str]) -> list[Row]:
    """The rows about some subjects, whether anomalous or not."""
    if facts.compute:
        return list(facts.compute(source, subjects))
    return _ask(source, facts, _any_of(source, facts.subject, facts.subject_type), {"keys": list(subjects)})


def judge(system: System, source: Questions, facts: Facts, subjects: Sequence[str]) -> Iterator[Finding]:
    """What the rules on ``facts`` say about some subjects, now and at any age."""
    rules = [rule for rule in system.rules if rule.facts == facts.name]
    rows = of_subjects(source, facts, subjects)
    return once(judged(system, rule, row) for row in rows for rule in rules if holds(rule, row))


def holds(rule: Rule, row: Row) -> bool:
    return all(row[name] is wanted for name, wanted in rule.when.items())


def verdict(rule: Rule, row: Row) -> Verdict:
    if rule.cannot_tell and row[rule.cannot_tell]:
        return Verdict.CANNOT_TELL
    return Verdict.EXPECTED if rule.expected and row[rule.expected] else Verdict.ANOMALY


def judged(system: System, rule: Rule, row: Row) -> Finding:
    facts = system.facts_of(rule)
    subject = str(row[facts.subject])
    amount = whole_number(row[rule.amount]) if rule.amount else None
    transactions = [str(row[column]) if row[column] is not None else "-" for column in rule.transactions]
    return Finding(
        system=system.slug,
        rule=rule.code,
        kind=facts.kind,
        subject=subject,
        fingerprint=":".join([system.slug, rule.code, subject, *transactions]),
        verdict=verdict(rule, row),
        severity=rule.severity,
        observed_at=row[rule.observed_at],
        amount=amount,
        unit=rule.unit if amount is not None else None,
        facts={name: plain(value) for name, value in row.items()},
    )


def whole_number(value: Any) -> int | None:
    """An amount as an integer; None where the source has no whole number there. The facts keep what it has."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return int(number) if number.is_finite() and number == number.to_integral_value() else None


def plain(value: Any) -> Any:
    """A column's value as JSON has it: instants in ISO 8601 UTC, uuids as text, never a float for money."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case UUID():
            return str(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() else str(value)
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value


def _due(rule: Rule, row: Row, window: Window) -> bool:
    at = row[rule.observed_at]
    early = window.since is not None and at < window.since
    late = window.until is not None and at >= window.until
    return holds(rule, row) and not early and not late


def once(found: Iterable[Finding]) -> Iterator[Finding]:
    seen = set()
    for finding in found:
        if finding.fingerprint not in seen:
            seen.add(finding.fingerprint)
            yield finding


# Pieces: either a list of keys that a window touches, or a (low, high) range of a sweep -------------------------------


def _pieces(source: Questions, facts: Facts, window: Window) -> Sequence[Any]:
    if not window.whole:
        rows = source.rows(f"{facts.name}_touched", since=window.since, until=window.until or source.now)
    elif facts.suspects:
        rows = _suspects(source, facts)
    else:
        return _ranges(source, facts)
    keys = sorted({row[facts.by] for row in rows if row[facts.by] is not None})
    return [keys[start : start + KEYS_AT_ONCE] for start in range(0, len(keys), KEYS_AT_ONCE)]


def _suspects(source: Questions, facts: Facts) -> Iterator[Row]:
    for low, high in _ranges(source, facts):
        with source.planning(facts.planning):
            rows = source.rows(f"{facts.name}_suspects", low=low, high=high)
        yield from rows


def _ranges(source: Questions, facts: Facts) -> Sequence[tuple[Key | None, Key | None]]:
    return facts.ranges(source) if facts.ranges else [(None, None)]


def _rows(source: Questions, facts: Facts, piece: Any, rules: Sequence[Rule], window: Window) -> Iterable[Row]:
    if facts.compute:
        return facts.compute(source, piece)
    quote = source.connection.ops.quote_name
    any_rule = " or ".join(f"({_compiled(rule, window, quote)})" for rule in rules)
    limits = {"since": window.since, "until": window.until}
    if isinstance(piece, tuple):
        scope, keys = _between(quote(facts.by), *piece), {"low": piece[0], "high": piece[1]}
    else:
        scope, keys = _any_of(source, facts.by, facts.key_type), {"keys": piece}
    return _ask(source, facts, f"{scope} and ({any_rule})", {**keys, **limits})


def _ask(source: Questions, facts: Facts, where: str, parameters: dict[str, Any]) -> list[Row]:
    if source.connection.vendor == "sqlite" and "keys" in parameters:
        parameters["keys"] = json.dumps(parameters["keys"])
    sql = statement(SCOPED, "scoped").format(facts=source.statement(facts.name), where=where)
    return source.run(sql, {"now": source.now, **parameters})


def _compiled(rule: Rule, window: Window, quote: Callable[[str], str]) -> str:
    terms = [quote(name) if wanted else f"not {quote(name)}" for name, wanted in rule.when.items()]
    observed = quote(rule.observed_at)
    terms += [f"{observed} >= %(since)s"] * (window.since is not None)
    terms += [f"{observed} < %(until)s"] * (window.until is not None)
    return " and ".join(terms)


def _between(key: str, low: Key | None, high: Key | None) -> str:
    terms = [f"{key} >= %(low)s"] * (low is not None) + [f"{key} < %(high)s"] * (high is not None)
    return " and ".join(terms) or "true"


def _any_of(source: Questions, column: str, column_type: str) -> str:
    name = source.connection.ops.quote_name(column)
    if source.connection.vendor == "sqlite":
        return f"{name} in (select value from json_each(%(keys)s))"
    return f"{name} = any(%(keys)s::{column_type}[])"
