"""Defects, planted on purpose: a guard away, a constraint away, a line of a guard's body changed, a verb replaced.

A proof that passes proves nothing unless it fails where it should. The owner plants in the test database, committed, so
that every connection meets the defect; all of it is taken out when the test has ended and its rows are gone, in the
opposite order.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django.db import connections

CONSTRAINT = "select pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass and conname = %s"
INDEX = "select pg_get_indexdef(%s::regclass)"
ROUTINE = "select pg_get_functiondef(%s::regproc)"
TRIGGER = "select tgenabled from pg_trigger where tgrelid = %s::regclass and tgname = %s"
FIRING = {"A": "enable always", "O": "enable", "R": "enable replica"}


class Planting:
    def __init__(self, *, unblock: Callable[[], AbstractContextManager]) -> None:
        self._unblock = unblock
        self._undo: list[Callable[[], Any]] = []
        self.patch = pytest.MonkeyPatch()

    # What may be planted ---------------------------------------------------------------------------------------------

    def function(self, module: Any, name: str, replacement: Any) -> None:
        """Python's side: another function in the place of one of ours."""
        self.patch.setattr(module, name, replacement)

    def without_trigger(self, table: str, trigger: str, alias: str = "owner") -> None:
        [firing] = self._ask(alias, TRIGGER, [table, trigger])
        self.sql(
            f"alter table {table} disable trigger {trigger}",
            undo=f"alter table {table} {FIRING[firing]} trigger {trigger}",
            alias=alias,
        )

    def without_constraint(self, table: str, name: str, alias: str = "owner") -> None:
        [definition] = self._ask(alias, CONSTRAINT, [table, name])
        self.sql(
            f"alter table {table} drop constraint {name}",
            undo=f"alter table {table} add constraint {name} {definition}",
            alias=alias,
        )

    def without_index(self, name: str, alias: str = "owner") -> None:
        """For a unique constraint with a condition, which PostgreSQL keeps as an index."""
        [definition] = self._ask(alias, INDEX, [name])
        self.sql(f"drop index {name}", undo=definition, alias=alias)

    def body(self, function: str, before: str, after: str, alias: str = "owner") -> None:
        """One passage of a database function's text, which must stand in it exactly once, replaced."""
        [definition] = self._ask(alias, ROUTINE, [function])
        changed, count = re.subn(r"\s+".join(map(re.escape, before.split())), lambda found: after, definition)
        assert count == 1, f"{function} has this passage {count} times: {before}"
        self.sql(changed, undo=definition, alias=alias)

    def sql(self, statement: str, *, undo: str, alias: str = "owner") -> None:
        self._run(alias, statement)
        self._undo.append(lambda: self._run(alias, undo))

    # What becomes of it ----------------------------------------------------------------------------------------------

    @contextmanager
    def caught(self, defect: str, *, match: str, tell: Callable[[str], None]) -> Iterator[None]:
        with pytest.raises(AssertionError, match=match) as failed:
            yield
        tell(f"{defect}: caught ({_first_line(failed.value)})")

    def take_out(self) -> None:
        self.patch.undo()
        with self._unblock():
            while self._undo:
                self._undo.pop()()

    def _run(self, alias: str, statement: str) -> None:
        with connections[alias].cursor() as cursor:
            cursor.execute(statement)

    def _ask(self, alias: str, question: str, parameters: list[str]) -> tuple[str]:
        with connections[alias].cursor() as cursor:
            cursor.execute(question, parameters)
            found = cursor.fetchone()
        assert found, f"There is no {' '.join(reversed(parameters))}."
        return found


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].removeprefix("AssertionError: ")
