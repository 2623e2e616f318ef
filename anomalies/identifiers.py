"""Identifiers as they are stored and looked up: folded to one letter case, and short enough for an index.

A source may hold anything where an id should be, a whole file in place of a job id included. It is kept, shown and
found all the same.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

LONGEST = 400  # characters; an index entry holds about 2,700 bytes


def identifier(text: str) -> str:
    """How an identifier is looked up: without surrounding space, in one letter case."""
    return shortened(text.strip().casefold())


def shortened(text: str) -> str:
    """The text itself, or its beginning and a digest of all of it."""
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - 67]}…~{sha256(text.encode(errors='surrogatepass')).hexdigest()}"


def is_identifier(column: str) -> bool:
    return column == "id" or column.endswith("_id")


def identifiers(subject: str, facts: Mapping[str, Any]) -> list[str]:
    """Every identifier a finding names: its subject, and the columns called id or something_id."""
    named = [value for name, value in facts.items() if is_identifier(name)]
    texts = [subject, *(str(value) for value in named if isinstance(value, str | int) and str(value).strip())]
    return sorted({identifier(text) for text in texts})
