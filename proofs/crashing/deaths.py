"""Where a process dies: at statements and commits, known by what they say, not by which line of our code sends them.

So a point stays where it is when the code around it is rewritten; one that no statement reaches any more is noticed,
because nobody dies there.
"""

import ctypes
import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from billingadmin.postgres.keeper import DEATH_SIGNAL

CONSOLE, LEDGER = "console", "ledger"
NAME = "doomed"  # what the server calls the connections of a process that is to die


class When(Enum):
    BEFORE = "before a statement"
    AFTER = "after a statement"
    BEFORE_COMMIT = "before the commit of a transaction that held it"
    AFTER_COMMIT = "after that commit"


@dataclass(frozen=True)
class Point:
    """One moment of the protocol, told by a statement in one of the two databases."""

    name: str
    where: str
    when: When
    says: str  # a part of the statement, in lower case
    with_value: Any = None  # one of its parameters
    each_line: bool = False  # comes once for every line of the request

    def is_told_by(self, sql: str, values: Any) -> bool:
        if self.says not in sql:
            return False
        given = values.values() if isinstance(values, dict) else values or ()
        return self.with_value is None or self.with_value in given


DECISION = 'insert into "adjustments_decision"'
REQUEST = 'update "adjustments_adjustment" set'
KEY = "insert into billingadmin_applied"
PAYMENT = "insert into payments_made"

DECIDING = (
    Point("before the decision", CONSOLE, When.BEFORE, DECISION),
    Point("with the decision inserted", CONSOLE, When.AFTER, DECISION),
    Point("before the decision's commit", CONSOLE, When.BEFORE_COMMIT, DECISION),
    Point("with the decision committed, before the answer", CONSOLE, When.AFTER_COMMIT, DECISION),
)
POSTING = (
    Point("with the request claimed", CONSOLE, When.AFTER, "for no key update", each_line=True),
    Point("with the key taken", LEDGER, When.AFTER, KEY, each_line=True),
    Point("with the evidence read", LEDGER, When.AFTER, "from dues where id", each_line=True),
    Point("with the row posted", LEDGER, When.AFTER, PAYMENT, each_line=True),
    Point("before the ledger's commit", LEDGER, When.BEFORE_COMMIT, PAYMENT, each_line=True),
    Point("with the ledger committed", LEDGER, When.AFTER_COMMIT, PAYMENT, each_line=True),
    Point("before the console's last commit", CONSOLE, When.BEFORE_COMMIT, REQUEST, "applied"),
    Point("with all committed, before the task is acknowledged", CONSOLE, When.AFTER_COMMIT, REQUEST, "applied"),
)
POINTS = DECIDING + POSTING


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Doom:
    """Dies at the ``nth`` time that the point is reached, in whichever thread that is."""

    def __init__(self, point: Point, nth: int = 1, death: Callable[[], None] = die) -> None:
        self.point, self.left, self.death = point, nth, death

    def reached(self, when: When) -> None:
        if self.point.when == when:
            self.left -= 1
            if self.left == 0:
                self.death()


def is_here(connection: BaseDatabaseWrapper, point: Point) -> bool:
    return connection.alias.endswith("_writer") == (point.where == LEDGER)


def watch(connection: BaseDatabaseWrapper, doom: Doom) -> None:
    """Lets the doom see every statement and every commit of this connection."""
    told = [False]  # whether the open transaction held the statement

    def statement(execute: Callable, sql: Any, values: Any, many: bool, context: Any) -> Any:
        is_it = doom.point.is_told_by(str(sql).lower(), values)
        if is_it:
            told[0] = True
            doom.reached(When.BEFORE)
        answer = execute(sql, values, many, context)
        if is_it:
            doom.reached(When.AFTER)
        return answer

    commit = connection.commit

    def and_commit() -> None:
        held, told[0] = told[0], False
        if held:
            doom.reached(When.BEFORE_COMMIT)
        commit()
        if held:
            doom.reached(When.AFTER_COMMIT)

    connection.execute_wrappers.append(statement)
    connection.commit = and_commit  # type: ignore[method-assign]


def doomed(doom: Doom) -> None:
    """From now on this process dies there: every connection it opens is watched."""

    def opened(connection: BaseDatabaseWrapper, **named: Any) -> None:
        if is_here(connection, doom.point):
            watch(connection, doom)

    connection_created.connect(opened, weak=False)


# Processes -----------------------------------------------------------------------------------------------------------


def born(work: Callable[[], Any]) -> int:
    """A process of its own that does this and ends; its number. The parent's connections stay the parent's."""
    process = os.fork()
    if process:
        return process
    try:
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)  # nobody outlives a proof that failed
        os.environ["PGAPPNAME"] = NAME
        for connection in connections.all(initialized_only=True):
            connection.connection = None
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def killed(process: int) -> bool:
    """Kills it. Whether it was still alive."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    return was_killed(process)


def was_killed(process: int) -> bool:
    """Waits for its end: whether it was killed, by itself or by us. One that failed otherwise is an error of ours."""
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"a process that should work or be killed ended with {code}")
    return code == -signal.SIGKILL
