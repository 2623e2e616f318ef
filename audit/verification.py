"""Whether the audit log is what was written: every entry hashed again, and held against its neighbour and its columns.

What this cannot see is a chain that its owner wrote anew from some entry on, or whose end was cut off: both are
consistent in themselves, and only a head that was noted elsewhere (position and hash) gives them away.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from django.db import DatabaseError

from audit.models import Entry

CHUNK = 2_000  # entries held at a time
BEFORE_THE_FIRST = "0" * 64
TAG = "billingadmin audit 1"
TOLD = (
    *("actor_id", "actor", "action_type", "target_type", "target_id", "outcome", "reason", "job_id", "tx_id"),
    *("system", "correlation_id", "metadata"),
)


class Verdict(StrEnum):
    INTACT = "intact"
    BROKEN = "broken"
    CANNOT_TELL = "cannot_tell"


class Fault(StrEnum):
    MISSING = "missing"  # the position is not there: an entry was removed, or the order changed
    LINK = "link"  # it does not follow from the entry before it
    CONTENT = "content"  # its text is not what was sealed by the hash
    COLUMNS = "columns"  # its columns say something else than its text


@dataclass(frozen=True)
class Finding:
    """The verdict; ``position`` is the first bad one when broken, else the head."""

    verdict: Verdict
    entries: int = 0
    position: int = 0
    hash: str = ""
    fault: Fault | None = None
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict.value,
            "entries": self.entries,
            "position": self.position or None,
            "hash": self.hash or None,
            "fault": self.fault.value if self.fault else None,
            "why": self.why or None,
        }


def verify(*, after: int = 0) -> Finding:
    """Walks the log in order of position, holding a few entries at a time; those up to ``after`` are trusted."""
    try:
        return _walk(after)
    except Entry.DoesNotExist:
        return Finding(Verdict.BROKEN, 0, after, "", Fault.MISSING, SENTENCES[Fault.MISSING])
    except DatabaseError as error:
        return Finding(Verdict.CANNOT_TELL, why=f"The log cannot be read: {str(error).strip().splitlines()[0]}.")


def _walk(after: int) -> Finding:
    position, previous, count = after, _hash_at(after), 0
    for entry in _entries(after):
        if fault := fault_of(entry, position + 1, previous):
            return Finding(Verdict.BROKEN, count, position + 1, previous, fault, SENTENCES[fault])
        position, previous, count = entry.position, entry.hash, count + 1
    if not count:
        return Finding(Verdict.CANNOT_TELL, why="The log is empty: nothing happened yet, or everything was removed.")
    return Finding(Verdict.INTACT, count, position, previous)


SENTENCES = {
    Fault.MISSING: "No entry has this position: it was removed, or entries changed places.",
    Fault.LINK: "This entry does not follow from the one before it.",
    Fault.CONTENT: "The text of this entry is not the one that was sealed.",
    Fault.COLUMNS: "The columns of this entry say something else than its sealed text.",
}


def _hash_at(position: int) -> str:
    return Entry.objects.get(position=position).hash if position else BEFORE_THE_FIRST


def _entries(after: int) -> Iterator[Entry]:
    """In order of position, whatever arrives meanwhile included, a chunk at a time."""
    while chunk := list(Entry.objects.filter(position__gt=after).order_by("position")[:CHUNK]):
        yield from chunk
        after = chunk[-1].position


def fault_of(entry: Entry, position: int, previous_hash: str) -> Fault | None:
    """What is wrong with this entry, standing where ``position`` and ``previous_hash`` are due."""
    if entry.position != position:
        return Fault.MISSING
    if entry.previous_hash != previous_hash:
        return Fault.LINK
    if entry.hash != seal(entry.position, entry.previous_hash, entry.canonical):
        return Fault.CONTENT
    if entry.canonical != canonical_text(entry):
        return Fault.COLUMNS
    return None


def seal(position: int, previous_hash: str, canonical: str) -> str:
    """The hash, as admin_audit_log_hash() makes it: no part can be taken for another."""
    text = canonical.encode()
    head = f"{TAG}\n{position}\n{previous_hash}\n{len(text)}\n"
    return hashlib.sha256(head.encode() + text).hexdigest()


def canonical_text(entry: Entry) -> str:
    """What the columns say, as admin_audit_log_canonical() tells it."""
    told = {name: getattr(entry, name) for name in TOLD} | {"at": fixed_form(entry.at)}
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def fixed_form(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
