"""Whether a database keeps what it has acknowledged: a commit is on disk before anybody is told of it.

A server set up for speed may answer before that (``synchronous_commit``), or never ask the disk (``fsync``), or be torn
by a loss of power in the middle of a page (``full_page_writes``). Databases and roles have defaults of their own, so
the very session that will commit is asked.
"""

from pathlib import Path

from django.conf import settings
from django.db import connections

from billingadmin.sql import statement

SQL = Path(__file__).with_suffix(".sql")
FULL = 2  # SQLite's “synchronous”: below it, a commit may be lost with the power


def shortcomings(alias: str) -> list[str]:
    """The settings by which this connection's commits may be forgotten, as “name=value”; nothing when all is well."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, f"forgetful_{connection.vendor}"), {"full": FULL})
        return [f"{name}={value}" for name, value in cursor.fetchall()]


def refused(*aliases: str) -> dict[str, list[str]]:
    """Those of these databases that money may not be trusted to, with what is wrong with each."""
    if not settings.DURABLE_COMMITS_ONLY:
        return {}
    return {alias: found for alias in aliases if (found := shortcomings(alias))}
