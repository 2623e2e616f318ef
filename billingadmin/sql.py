"""Reads files of named SQL statements, so that every question asked of a database can be read and pasted.

A statement is headed by ``-- name --`` and, on the next line, one sentence that says what it answers::

    -- job --
    -- The job itself, by its id.
    select * from public.image_jobs where id = %(job_id)s
"""

import re
from functools import cache
from pathlib import Path

HEADING = re.compile(r"^-- (?P<name>[a-z][a-z0-9_]*) --$", re.MULTILINE)


class UnknownStatement(LookupError):
    """A statement was asked for that its file does not hold."""


@cache
def statements(path: Path) -> dict[str, str]:
    """The statements of one file by name, comments kept, trailing semicolons dropped."""
    pieces = HEADING.split(path.read_text(encoding="utf-8"))
    names, bodies = pieces[1::2], pieces[2::2]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(f"{path.name} names {', '.join(sorted(repeated))} more than once")
    return {name: body.strip().rstrip(";") for name, body in zip(names, bodies, strict=True)}


def statement(path: Path, name: str) -> str:
    try:
        return statements(path)[name]
    except KeyError:
        raise UnknownStatement(f"{path.name} has no statement named {name}") from None
