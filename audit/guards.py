"""Whether the guards stand as they were declared: grants, triggers, functions, constraints, owners and roles.

What the database enforces an owner can switch off. ``guards.txt`` says how everything stands after a fresh migration; a
difference is a drift, however small. After a migration that touches any of it, write the file anew (CONTRIBUTING.md).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connections

from billingadmin.sql import statement

SQL = Path(__file__).with_suffix(".sql")
MANIFEST = Path(__file__).with_suffix(".txt")
REGENERATE = "WRITE_GUARDS=1 script/test audit/tests/test_manifest.py"
OF_THE_SITE = (" to site", " to public")


@dataclass(frozen=True)
class Drift:
    """One guard that is not as declared. None stands for: not there."""

    guard: str  # kind and name
    declared: str | None
    found: str | None


@dataclass(frozen=True)
class Standing:
    """How the guards stand. ``weaker``: the site logs in as the tables' owner, so triggers are all there is."""

    drifts: tuple[Drift, ...]
    count: int
    weaker: bool


def standing() -> Standing:
    expected, present = declared(), found()
    weaker = site_is_owner()
    if weaker:
        expected, present = dict(_without_roles(expected)), dict(_without_roles(present))
    return Standing(tuple(compared(expected, present)), len(expected), weaker)


def compared(expected: Mapping[str, str], present: Mapping[str, str]) -> Iterator[Drift]:
    for guard in sorted({*expected, *present}):
        if expected.get(guard) != present.get(guard):
            yield Drift(guard, expected.get(guard), present.get(guard))


def declared() -> dict[str, str]:
    return dict(_parsed(line) for line in MANIFEST.read_text(encoding="utf-8").splitlines() if line)


def _parsed(line: str) -> tuple[str, str]:
    guard, _equals, value = line.partition(" = ")
    return guard, value


def found(alias: str = "default") -> dict[str, str]:
    """Every fact about the guards, as the database has it now."""
    with connections[alias].cursor() as cursor:
        cursor.execute(statement(SQL, "owner"))
        names = {"owner": cursor.fetchone()[0], "site": settings.DATABASES["default"]["USER"], "lasting": lasting()}
        cursor.execute(statement(SQL, "facts"), names)
        return {f"{kind} {name}": value for kind, name, value in cursor.fetchall()}


def lasting() -> list[str]:
    """The tables that do not allow the site everything: their constraints are guards too."""
    return [model._meta.db_table for model in apps.get_models() if getattr(model, "site_privileges", None)]


def site_is_owner() -> bool:
    with connections["default"].cursor() as cursor:
        cursor.execute(statement(SQL, "owner"))
        return cursor.fetchone()[0] == settings.DATABASES["default"]["USER"]


def _without_roles(facts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Where the site is the owner it is granted nothing, and every right is its own."""
    for guard, value in facts.items():
        if not guard.startswith(("role ", "grant ")):
            yield guard, value


def text(facts: Mapping[str, str]) -> str:
    return "".join(f"{guard} = {facts[guard]}\n" for guard in sorted(facts))
