"""The roles and databases in the clusters we run: made when they are missing, with no more rights than needed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from billingadmin.postgres import PostgresError
from billingadmin.postgres.embedded import CONSOLE, DEMO, MIGRATOR, OWNER, SITE, SUPERUSER, cluster, derived, url
from billingadmin.sql import statement

ROLES = Path(__file__).with_name("roles.sql")


def prepare(name: str, engines: Mapping[str, str]) -> None:
    """Makes the roles and databases that are missing. Safe to repeat."""
    slugs = [slug for slug, engine in engines.items() if engine == "postgresql"]
    try:
        with psycopg.connect(url(name, user=SUPERUSER, database="postgres"), autocommit=True) as connection:
            _run(connection, "one_at_a_time")
            _prepare_console(name, connection)
            for slug in slugs:
                _prepare_source(name, connection, slug)
    except psycopg.OperationalError as error:
        raise PostgresError(f"The embedded PostgreSQL refuses us: {str(error).splitlines()[0]}") from None


def _prepare_console(name: str, connection: psycopg.Connection) -> None:
    roles = _names(connection, "roles")
    if OWNER not in roles:
        _run(connection, "create_group", role=OWNER)
        _allow_test_databases(name, connection, OWNER)
    for login in {MIGRATOR, SITE} - roles:
        _create_login(connection, login)
    if MIGRATOR not in roles:
        _run(connection, "act_as", role=OWNER, login=MIGRATOR)
    for database in {CONSOLE, DEMO} - _names(connection, "databases"):
        _create_database(connection, database, owner=OWNER, visitors=[MIGRATOR, SITE])


def _prepare_source(name: str, connection: psycopg.Connection, slug: str) -> None:
    reader, writer = f"{slug}_reader", f"{slug}_writer"
    for login in {reader, writer} - _names(connection, "roles"):
        _create_login(connection, login)
        if login == writer:
            _allow_test_databases(name, connection, writer)
    if slug not in _names(connection, "databases"):
        _create_database(connection, slug, owner=writer, visitors=[reader])
        with psycopg.connect(url(name, user=SUPERUSER, database=slug), autocommit=True) as inside:
            _run(inside, "reader_sees_all", writer=writer, reader=reader)


def _create_login(connection: psycopg.Connection, login: str) -> None:
    _run(connection, "create_login", role=login, password=sql.Literal(derived(login)))


def _create_database(connection: psycopg.Connection, database: str, *, owner: str, visitors: Sequence[str]) -> None:
    _run(connection, "create_database", database=database, role=owner)
    _run(connection, "close_database", database=database)
    for visitor in visitors:
        _run(connection, "open_database", database=database, role=visitor)


def _allow_test_databases(name: str, connection: psycopg.Connection, role: str) -> None:
    if cluster(name).disposable:
        _run(connection, "allow_test_databases", role=role)


def _names(connection: psycopg.Connection, query: str) -> set[str]:
    return {name for (name,) in connection.execute(statement(ROLES, query))}


def _run(connection: psycopg.Connection, name: str, **parts: Any) -> None:
    named = {part: sql.Identifier(value) if isinstance(value, str) else value for part, value in parts.items()}
    connection.execute(sql.SQL(statement(ROLES, name)).format(**named))
