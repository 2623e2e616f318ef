"""Which rule holds for a request: the most specific one that is in force. Pure, over rows that were read already.

A rule for a system goes before a rule for all of them, one for a correction before one for all of the system's, and of
several amounts the highest that the request reaches. ``adjustments_policy_for`` is the same question in SQL.
"""

from collections.abc import Iterable
from typing import TypeVar

from adjustments.policies.models import Terms

Rule = TypeVar("Rule", bound=Terms)


def most_specific(rules: Iterable[Rule], *, system: str, correction: str, amount: int) -> Rule | None:
    fitting = [rule for rule in rules if holds_for(rule, system=system, correction=correction, amount=amount)]
    return max(fitting, key=specificity, default=None)


def holds_for(rule: Terms, *, system: str, correction: str, amount: int) -> bool:
    named = rule.system in ("", system) and rule.correction in ("", correction)
    return named and rule.from_amount <= abs(amount)


def specificity(rule: Terms) -> tuple[bool, bool, int]:
    return bool(rule.system), bool(rule.correction), rule.from_amount
