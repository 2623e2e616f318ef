"""What the screens say of a system and a rule, also of those that are no longer there: history outlives code."""

from dataclasses import dataclass
from typing import Any

from systems import registry
from systems.base import NotOffered, Rule, SubjectKind, System


def system_of(slug: str) -> System | None:
    try:
        return registry.get(slug)
    except registry.UnknownSystem:
        return None


def rule_of(system: System | None, code: str) -> Rule | None:
    return _offered(system, "rule", code)


def kind_of(system: System | None, slug: str) -> SubjectKind | None:
    return _offered(system, "subject_kind", slug)


def _offered(system: System | None, what: str, name: str) -> Any:
    try:
        return getattr(system, what)(name) if system else None
    except NotOffered:
        return None


@dataclass(frozen=True)
class Named:
    """A rule as people read it."""

    system: str
    rule: str
    title: Any
    label: Any  # of the system


def named(slug: str, code: str) -> Named:
    system = system_of(slug)
    rule = rule_of(system, code)
    return Named(slug, code, rule.title if rule else code, system.label if system else slug)
