"""Which stretch of time each rule is asked about.

Every rule has its own high-water mark: a broken rule neither loses its windows nor makes the others' grow. A rule
without a mark has never run, and covers all history. After missed runs the mark lies further back, so the next window
catches up by itself. A window given by hand never moves a mark.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection

from anomalies.models import RuleMark
from billingadmin.sql import statement
from systems.base import Facts, Rule, System
from systems.facts import Window

SQL = Path(__file__).with_name("detection.sql")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the caller wants: a window given by hand, the whole history, or (neither) what has come since."""

    since: datetime | None = None
    until: datetime | None = None
    whole: bool = False

    @property
    def by_hand(self) -> bool:
        return self.whole or self.since is not None or self.until is not None


@dataclass(frozen=True, kw_only=True)
class Question:
    """Rules that share a facts source and a window: the source is asked once for all of them."""

    facts: Facts
    rules: tuple[Rule, ...]
    window: Window


def questions(system: System, asked: Asked, now: datetime) -> list[Question]:
    marks = dict(RuleMark.objects.filter(system=system.slug).values_list("rule", "reached"))
    shared: dict[tuple[str, Window], list[Rule]] = defaultdict(list)
    for rule in system.rules:
        shared[rule.facts, window_of(system, asked, marks.get(rule.code), now)].append(rule)
    return [
        Question(facts=system.facts_of(rules[0]), rules=tuple(rules), window=window)
        for (_name, window), rules in shared.items()
    ]


def window_of(system: System, asked: Asked, mark: datetime | None, now: datetime) -> Window:
    if asked.by_hand:
        return Window(since=asked.since, until=asked.until)
    return Window(since=mark - system.overlap, until=now) if mark else Window()


def earliest(asked: Sequence[Question]) -> datetime | None:
    """Where the widest window starts; None when one of them is the whole history."""
    starts = [question.window.since for question in asked]
    return None if None in starts else min(starts, default=None)


def move_marks(system: System, rules: Iterable[str], now: datetime) -> None:
    """These rules have judged everything up to ``now``. A mark never moves back."""
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "move_marks"), {"system": system.slug, "rules": sorted(rules), "reached": now})
