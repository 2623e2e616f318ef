"""Brings in a system's own log lines: one JSON object a line with at, source, level, message, optional job_id and
request_id. The same line is kept once, so the same file may come twice."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import Any

from anomalies.models import LogLine
from anomalies.storable import storable_text
from anomalies.subjects import readings_of
from systems.base import System

BATCH = 1_000
WANTED = ("at", "source", "level", "message")
OPTIONAL = ("job_id", "request_id")


class Unreadable(ValueError):
    """The line is not one of ours; the text says what is wrong with it."""


@dataclass
class Imported:
    read: int = 0
    added: int = 0
    unreadable: dict[int, str] = field(default_factory=dict)  # number of the line -> what is wrong


def import_lines(system: System, lines: Iterable[bytes]) -> Imported:
    result = Imported()
    readable = _readable(system, lines, result)
    while batch := list(islice(readable, BATCH)):
        result.added += _add(system, batch)
    return result


def _readable(system: System, lines: Iterable[bytes], result: Imported) -> Iterator[LogLine]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield line_of(system, line)
        except Unreadable as error:
            result.unreadable[number] = str(error)
        else:
            result.read += 1


def line_of(system: System, line: bytes) -> LogLine:
    told = _fields(line)
    job = told["job_id"].strip()
    known = readings_of(system, job) if job else []
    return LogLine(
        system=system.slug,
        subject=known[0].id if known else job,
        request_id=told["request_id"],
        at=_instant(told["at"]),
        source=told["source"],
        level=told["level"],
        message=told["message"],
        digest=sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
    )


def _fields(line: bytes) -> dict[str, str]:
    try:
        told = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Unreadable("not JSON in UTF-8") from None
    if not isinstance(told, dict):
        raise Unreadable("not a JSON object")
    missing = [name for name in WANTED if not isinstance(told.get(name), str) or not told[name].strip()]
    if missing:
        raise Unreadable(f"without {', '.join(missing)}")
    return {name: _text(told, name) for name in (*WANTED, *OPTIONAL)}


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise Unreadable(f"{name} is no text")
    return storable_text(str(value))


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable("at is no instant in ISO 8601") from None


def _add(system: System, batch: Iterable[LogLine]) -> int:
    lines = {line.digest: line for line in batch}
    known = LogLine.objects.filter(system=system.slug, digest__in=lines).values_list("digest", flat=True)
    new = [lines[digest] for digest in lines.keys() - set(known)]
    LogLine.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)
