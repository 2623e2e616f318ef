"""The whole log as one file for somebody who trusts neither the console nor its database.

A zip of ``entries.jsonl`` (a line for each entry: what its columns say, the sealed text, the hashes),
``manifest.json``, the console's ``anchors.jsonl`` and the verifier, which needs Python and nothing else. It is made as
it is sent: however long the log, no more than a chunk of it is held.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from audit import anchors
from audit.log import Actor, record
from audit.verification import BEFORE_THE_FIRST, rows
from audit.verifier import verify_audit_export
from audit.verifier.verify_audit_export import Row, told

PIECE = 256 * 1024  # bytes, before they are sent on


def begin(actor: Actor) -> int:
    """Records that the log is exported, and answers where the export ends: before the entry that says so."""
    with transaction.atomic():
        return record(actor=actor, action_type="audit_log_exported", metadata={"filter": {}, "whole": True}) - 1


class Outlet(io.RawIOBase):
    """What the archive is written to: it goes on to whoever reads, and cannot be gone back in."""

    def __init__(self) -> None:
        self.pieces = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self.pieces += piece
        return len(piece)

    def taken(self) -> bytes:
        piece, self.pieces = bytes(self.pieces), bytearray()
        return piece


def archive(until: int, now: datetime) -> Iterator[bytes]:
    """The zip of all entries up to ``until``, in pieces."""
    outlet = Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        seen = Seen()
        with file.open("entries.jsonl", "w", force_zip64=True) as lines:
            for row in rows(until=until):
                lines.write(line(seen.through(row)))
                if len(outlet.pieces) > PIECE:
                    yield outlet.taken()
        file.writestr("manifest.json", json.dumps(manifest(seen, now), indent=2))
        file.writestr("anchors.jsonl", _own_anchors())
        file.writestr("verify_audit_export.py", Path(verify_audit_export.__file__).read_bytes())
    yield outlet.taken()


class Seen:
    """How far the export came."""

    first: int | None = None
    last, count, head = 0, 0, BEFORE_THE_FIRST

    def through(self, row: Row) -> Row:
        self.first = self.first or row.position
        self.last, self.count, self.head = row.position, self.count + 1, row.hash
        return row


def line(row: Row) -> bytes:
    return told({name: getattr(row, name) for name in Row.__slots__}).encode() + b"\n"


def manifest(seen: Seen, now: datetime) -> dict[str, Any]:
    return {
        "form": "billingadmin audit export 1",
        "exported_at": now.isoformat(),
        "filters": "whole range",
        "first": seen.first,
        "last": seen.last,
        "count": seen.count,
        "head": seen.head,
        "anchors": len(anchors.known()[0]),
        "verify": "python3 verify_audit_export.py EXPORT.zip --anchors FILE_OR_MAIL_KEPT_ELSEWHERE …",
    }


def _own_anchors() -> bytes:
    own = anchors.path()
    return own.read_bytes() if own and own.exists() else b""
