"""One job runs once at a time, on however many machines: an advisory lock in the console's database.

It is held on a connection of its own. The job may lose or close the one it works with, and the lock must last as long
as the job, no shorter (a second start) and no longer (a job that never runs again).
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from billingadmin.sql import statement

SQL = Path(__file__).with_name("lock.sql")
SPACE = 0x4A4F4253  # “JOBS”: our part of the numbers a database has for such locks


def key(name: str) -> int:
    """A positive number of 31 bits, the same in every process."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) >> 1


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Whether nobody else runs this job; if so, nobody else will within the block."""
    own = connections["default"].copy()
    try:
        got = _ask(own, "try_lock", name)
        try:
            yield got
        finally:
            if got:
                with suppress(DatabaseError):  # a connection that is gone has given it back already
                    _ask(own, "unlock", name)
    finally:
        own.close()


def _ask(connection: BaseDatabaseWrapper, question: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, question), {"space": SPACE, "key": key(name)})
        return cursor.fetchone()[0]


def held() -> set[int]:
    """The keys of the jobs that run at this moment."""
    with connections["default"].cursor() as cursor:
        cursor.execute(statement(SQL, "held"), {"space": SPACE})
        return {row[0] for row in cursor.fetchall()}
