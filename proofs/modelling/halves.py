"""Two processes for one proof, the second on copies of the databases: sequences that hold the same rows would wait for
one another."""

import os
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from django.db import connections
from psycopg import sql

from proofs.racing import FORK, PATIENCE, forget_connections

OWNERS = {"default": "owner", "paperclips_writer": "paperclips_writer"}  # whose database is whose to copy
CREATE = sql.SQL("create database {copy} template {name}")
DROP = sql.SQL("drop database if exists {copy} with (force)")

Half = Callable[[int], Counter]


def in_two(half: Half) -> Counter:
    """What both halves counted; they are told which they are, 0 or 1. Fails as either of them fails."""
    with _copies() as copies:
        ours, theirs = FORK.Pipe()
        second = FORK.Process(target=_second, args=(half, copies, theirs), daemon=True)
        second.start()
        theirs.close()
        try:
            return half(0) + _heard(ours)
        finally:
            second.kill()
            second.join(PATIENCE)


def _heard(line: Connection) -> Counter:
    try:
        done, failure = line.recv()
    except EOFError:
        raise RuntimeError("The second half ended without a word.") from None
    assert not failure, failure
    return done


def _second(half: Half, copies: dict[str, str], line: Connection) -> None:
    forget_connections()
    for connection in connections.all():
        name = connection.settings_dict["NAME"]
        connection.settings_dict["NAME"] = copies.get(name, name)
    try:
        line.send((half(1), ""))
    except BaseException:
        line.send((Counter(), traceback.format_exc()))
    os._exit(0)


@contextmanager
def _copies() -> Iterator[dict[str, str]]:
    """A copy of each database, by the name of what it was copied from; nobody may be connected while it is made."""
    connections.close_all()
    names = {alias: connections[alias].settings_dict["NAME"] for alias in OWNERS}
    try:
        for alias, name in names.items():
            _as_owner(alias, DROP, name)
            _as_owner(alias, CREATE, name)
        yield {name: _copy(name) for name in names.values()}
    finally:
        for alias, name in names.items():
            _as_owner(alias, DROP, name)


def _copy(name: str) -> str:
    return f"{name}_second"


def _as_owner(alias: str, statement: sql.SQL, name: str) -> None:
    with connections[OWNERS[alias]]._nodb_cursor() as cursor:
        cursor.execute(statement.format(copy=sql.Identifier(_copy(name)), name=sql.Identifier(name)))
