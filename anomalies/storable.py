"""What a source says, as the console can keep it: a source may hold anything, and nothing of it may stop a run."""

from dataclasses import replace
from datetime import datetime
from math import isfinite
from typing import Any

from anomalies.identifiers import shortened
from systems.base import Finding
from systems.facts import plain

UNTELLABLE = "\ufffd"
LARGEST = 2**63 - 1


def storable(value: Any) -> Any:
    """The value as JSON and PostgreSQL both take it; what neither knows becomes text."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return storable_text(value)
        case float():
            return value if isfinite(value) else str(value)
        case dict():
            return {storable_text(str(name)): storable(member) for name, member in value.items()}
        case list() | tuple():
            return [storable(member) for member in value]
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case _:
            known = plain(value)
            return storable(known) if known is not value else storable_text(str(value))


def storable_text(text: str) -> str:
    """Without NUL characters and halves of characters, which PostgreSQL has no place for."""
    return text.replace("\0", UNTELLABLE).encode("utf-8", "replace").decode("utf-8")


def storable_finding(finding: Finding) -> Finding:
    """The finding as it is kept, printed and compared: one form everywhere, so that no two of them differ.

    What stands where an instant or an amount should be, and is none, is left to the facts, which show it as it is.
    """
    amount = finding.amount if finding.amount is not None and abs(finding.amount) <= LARGEST else None
    return replace(
        finding,
        subject=storable_text(finding.subject),
        fingerprint=shortened(storable_text(finding.fingerprint)),
        observed_at=finding.observed_at if _is_instant(finding.observed_at) else None,
        amount=amount,
        unit=None if amount is None else finding.unit,
        facts=storable(finding.facts),
    )


def _is_instant(value: Any) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None
