"""When have the facts changed? A dismissed or settled anomaly reopens only then, so this says what counts.

Digested is what the room's rules on that facts source *identify and judge by*: the subject, the transactions that make
fingerprints, the amounts at stake, every named boolean. Not digested is what moves by itself or says nothing about
money: updated_at and other instants, attempts, error texts, status words (their meaning is in the booleans).
"""

import json
from hashlib import sha256

from systems.base import Finding, System


def digested_columns(system: System, rule_code: str) -> tuple[str, ...]:
    facts = system.facts_of(system.rule(rule_code))
    rules = [rule for rule in system.rules if rule.facts == facts.name]
    named = {column for rule in rules for column in (*rule.transactions, rule.amount) if column}
    return tuple(sorted({facts.subject, *facts.booleans, *named}))


def facts_digest(system: System, finding: Finding) -> str:
    columns = digested_columns(system, finding.rule)
    told = [finding.verdict, finding.unit, *((name, finding.facts.get(name)) for name in columns)]
    return sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
