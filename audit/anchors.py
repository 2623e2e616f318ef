"""Heads of the chain, noted outside of the database: what an owner of the tables cannot write anew.

They stand in an append-only file (``AUDIT_ANCHOR_FILE``), one JSON object a line with the digest of the line before,
and in the mail of each decision. The file is best kept by another user or shipped to another machine; verification
takes any number of such files and mails.
"""

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import connection

from audit.models import Entry
from audit.verifier.verify_audit_export import BEFORE_THE_FIRST, Anchor, gathered

OFTEN = timedelta(minutes=9)  # a head that did not move is noted again after this
TAIL = 4_096  # bytes that hold more than two lines

log = logging.getLogger(__name__)


class Contradiction(RuntimeError):
    """The log is not the one that was anchored: nothing is noted any more until somebody has looked."""


class UncommittedHead(RuntimeError):
    """A head that may yet be rolled back is no anchor."""


def path() -> Path | None:
    """Where the anchors are kept; None where nobody named a file."""
    return Path(settings.AUDIT_ANCHOR_FILE) if settings.AUDIT_ANCHOR_FILE else None


def head(now: datetime) -> Anchor:
    last = Entry.objects.newest_first().values_list("position", "hash").first()
    position, digest = last or (0, BEFORE_THE_FIRST)
    return Anchor(position, digest, now.astimezone(UTC))


def footer(now: datetime) -> str:
    """The head as every mail of a decision carries it; ``verify_audit --anchors`` finds it in the saved mail."""
    seen = head(now)
    return (
        f"billingadmin-audit-anchor 1\nposition {seen.position}\nsha256 {seen.hash}\ncount {seen.position}\n"
        f"at {_fixed(seen.at)}\n"
    )


def write(now: datetime) -> Anchor | None:
    """Notes the head in the file, once it is on disk answers it. None without a file."""
    if (file := path()) is None:
        return None
    if connection.in_atomic_block:
        raise UncommittedHead("An anchor is written outside of transactions: what it notes must be there to stay.")
    with _opened(file) as stream:
        last, digest = _last(stream)
        seen = head(now)
        _refuse_contradiction(last, seen)
        if last and last.position == seen.position and now - last.at < OFTEN:
            return last
        _append(stream, seen, digest)
    return seen


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    """For one writer at a time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream


def _last(stream: BinaryIO) -> tuple[Anchor | None, str]:
    """The newest whole line, and its digest. One that broke off in the middle is passed over."""
    stream.seek(0, os.SEEK_END)
    stream.seek(max(0, stream.tell() - TAIL))
    for line in reversed(stream.read().splitlines()):
        try:
            told = json.loads(line)
            found = Anchor(told["position"], told["hash"], datetime.fromisoformat(told["at"]))
        except (ValueError, KeyError, TypeError):
            continue
        return found, hashlib.sha256(line).hexdigest()
    return None, ""


def _refuse_contradiction(last: Anchor | None, seen: Anchor) -> None:
    if last is None or last.position == 0:
        return
    if last.position <= seen.position and Entry.objects.filter(pk=last.position, hash=last.hash).exists():
        return
    log.critical("The audit log contradicts its anchor at position %s.", last.position)
    raise Contradiction(
        f"The audit log is not the one that was anchored at position {last.position}, {last.at:%Y-%m-%d %H:%M:%S} UTC."
        " Run manage.py verify_audit, and keep the anchor file as it is."
    )


def _append(stream: BinaryIO, seen: Anchor, previous: str) -> None:
    told = {"position": seen.position, "hash": seen.hash, "count": seen.position, "at": _fixed(seen.at)}
    stream.write(_end_of_broken_line(stream) + json.dumps({**told, "previous": previous}).encode() + b"\n")
    stream.flush()
    os.fsync(stream.fileno())


def _end_of_broken_line(stream: BinaryIO) -> bytes:
    if not stream.seek(0, os.SEEK_END):
        return b""
    stream.seek(-1, os.SEEK_END)
    return b"" if stream.read(1) == b"\n" else b"\n"


def _fixed(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def known(files: list[Path] | None = None) -> tuple[list[Anchor], str]:
    """Every anchor of the console's own file and of these, and why some could not be read."""
    own = path()
    return gathered([*([own] if own else []), *(files or [])])


def newest() -> Anchor | None:
    """The last line of the console's own file."""
    file = path()
    if file is None or not file.exists():
        return None
    with file.open("rb") as stream:
        return _last(stream)[0]


__all__ = ["Contradiction", "UncommittedHead", "footer", "head", "known", "newest", "path", "write"]
