"""The one way to read a source: a transaction on the room's alias that cannot write, bounded in time.

The same in production and in tests. Inside an open transaction (a test, a preview) it is a savepoint: writes are
refused within it and allowed again after it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any

from django.db import Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from billingadmin.sql import statement
from systems import registry
from systems.base import System

SQL = Path(__file__).with_suffix(".sql")
# We ask by index for what is recent: at the price of a disk that turns, a thousand keys would seem dearer than a scan.
READING = {"transaction_read_only": "on", "row_security": "off", "random_page_cost": "1.1"}
SQLITE_STEPS = 10_000  # virtual machine steps between two looks at the clock


class SourceUnavailable(Exception):
    """The source cannot answer. ``remedy`` says what would mend it."""

    def __init__(self, slug: str, reason: str, remedy: str) -> None:
        super().__init__(f"{slug}: {reason}")
        self.slug, self.reason, self.remedy = slug, reason, remedy


class Questions:
    """The room's source.sql, asked on one connection. Keeps the contract of systems.base.Source."""

    def __init__(self, system: System, connection: BaseDatabaseWrapper, now: datetime) -> None:
        self.system, self.connection, self.now = system, connection, now
        self.path = Path(import_module(registry.package(system.slug)).__file__).with_name("source.sql")

    def statement(self, name: str) -> str:
        return statement(self.path, name)

    def rows(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        return self.run(self.statement(name), {"now": self.now, **parameters})

    def one(self, name: str, **parameters: Any) -> dict[str, Any] | None:
        found = self.rows(name, **parameters)
        if len(found) > 1:
            raise ValueError(f"{name} answered {len(found)} rows where one was asked for")
        return found[0] if found else None

    @contextmanager
    def planning(self, settings: Mapping[str, str]) -> Iterator[None]:
        """Lets PostgreSQL plan what is asked within by other settings."""
        before = _set_local(self.connection, settings)
        yield
        _set_local(self.connection, before)

    def run(self, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, map(_utc, row), strict=True)) for row in cursor.fetchall()]


def is_connected(slug: str) -> bool:
    return slug in connections.settings


@contextmanager
def reading(system: System, *, now: datetime, timeout_ms: int = 5_000) -> Iterator[Questions]:
    """Questions to ``system`` within one read-only transaction; each statement answers in ``timeout_ms`` or fails.

    Raises SourceUnavailable when the system is not connected, down, too slow, or lacks something that is asked for.
    """
    if not is_connected(system.slug):
        variable = f"{system.slug.upper()}_DATABASE_URL"
        raise SourceUnavailable(system.slug, _("not connected"), _("Set %s and restart.") % variable)
    connection = connections[system.slug]
    try:
        with transaction.atomic(using=system.slug), _bounded(connection, timeout_ms):
            yield Questions(system, connection, now)
    except Error as error:  # InterfaceError too: a connection that broke under us
        raise _unavailable(system.slug, error) from error


@contextmanager
def _bounded(connection: BaseDatabaseWrapper, timeout_ms: int) -> Iterator[None]:
    bound = _bounded_sqlite if connection.vendor == "sqlite" else _bounded_postgresql
    with bound(connection, timeout_ms):
        yield


@contextmanager
def _bounded_postgresql(connection: BaseDatabaseWrapper, timeout_ms: int) -> Iterator[None]:
    before = _set_local(connection, {**READING, "statement_timeout": f"{timeout_ms}ms"})
    yield
    # A savepoint that is rolled back restores all of them; one that is released restores read-write only.
    _set_local(connection, {name: value for name, value in before.items() if name != "transaction_read_only"})


def _set_local(connection: BaseDatabaseWrapper, settings: Mapping[str, str]) -> dict[str, str]:
    """What the settings were before."""
    if not settings:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "set_local"), {"names": list(settings), "values": list(settings.values())})
        return {name: before for name, before, _after in cursor.fetchall()}


@contextmanager
def _bounded_sqlite(connection: BaseDatabaseWrapper, timeout_ms: int) -> Iterator[None]:
    deadline = monotonic() + timeout_ms / 1000
    raw = connection.connection
    raw.set_progress_handler(lambda: monotonic() > deadline, SQLITE_STEPS)
    raw.execute("pragma query_only = on")
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)
        raw.execute("pragma query_only = off")


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value


def _unavailable(slug: str, error: Error) -> SourceUnavailable:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    remedy = _("Run “manage.py check_source %s”: it names what is missing and the statement that mends it.") % slug
    return SourceUnavailable(slug, reason, remedy)
