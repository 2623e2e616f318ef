"""Who benefits from what is signed: the database compares it with the identities under which sources know a person."""

from pathlib import Path
from typing import Any

from django.db import connection

from billingadmin.sql import statement

SQL = Path(__file__).with_suffix(".sql")


def benefits_as(person: Any, content: str) -> str:
    """The name in the signed content that is this person's; '' where nothing of it is."""
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "benefits_as"), {"person": person.pk, "content": content})
        return cursor.fetchone()[0] or ""
