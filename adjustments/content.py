"""What is signed: one canonical text over all that an approver relies on, and its hash.

Two requests with the same text are the same to the last column. The text is JSON with sorted keys and no white space;
amounts are whole numbers, instants are in UTC. Balances and ``updated_at`` are not in it: they move by themselves.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from systems.base import Line
from systems.facts import plain

FORM = 2  # of the canonical text; form 1 did not say whose money it is


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of a request with the key under which it is posted once, and the evidence it rests on."""

    key: UUID
    line: Line
    evidence: Mapping[str, Any]
    customer: str = ""  # whose money it is


def canonical(
    *,
    system: str,
    correction: str,
    subject_kind: str,
    subject: str,
    reason: str,
    policy_version: str,
    reverses: UUID | None,
    entries: Sequence[Entry],
) -> str:
    content = {
        "form": FORM,
        "system": system,
        "correction": correction,
        "subject_kind": subject_kind,
        "subject": subject,
        "reason": reason,
        "policy": policy_version,
        "reverses": str(reverses) if reverses else None,
        "lines": [_line(number, entry) for number, entry in enumerate(entries, 1)],
    }
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _line(number: int, entry: Entry) -> dict[str, Any]:
    return {
        "customer": entry.customer,
        "number": number,
        "key": str(entry.key),
        "subject": entry.line.subject,
        "amount": entry.line.amount,
        "unit": entry.line.unit,
        "particulars": dict(entry.line.particulars),
        "evidence": settled(entry.evidence),
    }


def settled(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence columns in the one form they have whenever they are read."""
    return {name: _settled(value) for name, value in evidence.items()}


def _settled(value: Any) -> Any:
    match value:
        case datetime() if value.tzinfo:
            return value.astimezone(UTC).isoformat()
        case float():
            return repr(value)  # a float in the text could be read back as another number
        case Mapping():
            return settled(value)
        case list() | tuple():
            return [_settled(item) for item in value]
        case _:
            return plain(value)


def signed_lines(text: str) -> dict[str, dict[str, Any]]:
    """The lines of a canonical text by their key."""
    return {line["key"]: line for line in json.loads(text)["lines"]}


def is_as_signed(signed: Mapping[str, Any], number: int, entry: Entry) -> bool:
    """Whether a line, with its evidence as just read, is still the one of the canonical text."""
    now = _line(number, entry)
    return signed == {name: now[name] for name in now if name in signed or name != "customer"}


def content_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference between what somebody saw and what there is. ``where`` is empty for the request itself."""

    where: str
    name: str
    before: Any
    after: Any


def changes(before: str, after: str) -> list[Change]:
    """What differs between two canonical texts, for a person to read."""
    old, new = json.loads(before), json.loads(after)
    heads = _differing("", {**old, "lines": len(old["lines"])}, {**new, "lines": len(new["lines"])})
    return [*heads, *_line_changes(old["lines"], new["lines"])]


def _line_changes(old: list[dict], new: list[dict]) -> Iterator[Change]:
    before = {line["subject"]: line for line in old}
    for line in new:
        if line["subject"] in before:
            yield from _differing(line["subject"], _flat(before[line["subject"]]), _flat(line))


def _flat(line: Mapping[str, Any]) -> dict[str, Any]:
    # A revision has new keys and may have other numbers; neither tells a person anything.
    named = {name: line[name] for name in ("subject", "amount", "unit", "customer") if name in line}
    return named | dict(line["particulars"]) | dict(line["evidence"])


def _differing(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Change(where=where, name=name, before=before.get(name), after=after.get(name))


def evidence_changes(subject: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return list(_differing(subject, before, after))
