"""What the log can be filtered by: the words that stand in it, found without reading it all."""

from pathlib import Path
from typing import Any

from django.db import connection

from billingadmin.sql import statement

SQL = Path(__file__).with_name("audit.sql")


def actors() -> list[tuple[str, str]]:
    return _rows("actors")


def actions() -> list[str]:
    return [row[0] for row in _rows("actions")]


def target_types() -> list[str]:
    return [row[0] for row in _rows("target_types")]


def systems() -> list[str]:
    return [row[0] for row in _rows("systems")]


def _rows(name: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, name))
        return cursor.fetchall()
