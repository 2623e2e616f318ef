"""Whether the audit log is what was written: every entry hashed again, held against its neighbour, its columns and
every anchor given.

Two implementations that share no code must agree: ``verify`` walks through all entries with the stand-alone verifier
that lies in every export, ``verify_in_database`` asks PostgreSQL in three statements. Neither trusts a function of ours
that the tables' owner could replace. Without anchors (audit/anchors.py) neither can see that the chain was written anew
from some entry on, or that its end was cut off.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import DatabaseError, DataError, connection, transaction
from django.utils import timezone

from audit.models import Entry
from audit.verifier.verify_audit_export import (
    BEFORE_THE_FIRST,
    LIMIT,
    SENTENCES,
    Anchor,
    Fault,
    Finding,
    Row,
    Verdict,
    Walked,
    judge,
    seal,
    told,
    walk,
)
from billingadmin.sql import statement

__all__ = ["BEFORE_THE_FIRST", "LIMIT", "Anchor", "Fault", "Finding", "Verdict", "seal", "verify", "verify_in_database"]

SQL = Path(__file__).with_name("verification.sql")
CHUNK = 2_000  # entries held at a time
IN_ORDER = (
    Fault.STRAY,
    Fault.MISSING,
    Fault.LINK,
    Fault.CONTENT,
    Fault.COLUMNS,
)  # where several meet, the first is told
TOLD = (
    *("actor_id", "actor", "action_type", "target_type", "target_id", "outcome", "reason", "job_id", "tx_id"),
    *("system", "correlation_id", "metadata"),
)


def verify(
    *, after: int = 0, anchors: Sequence[Anchor] = (), now: datetime | None = None, damage: str = "", fast: bool = False
) -> Finding:
    """The verdict; entries up to ``after`` are trusted. ``damage`` is why some anchors could not be read, ``fast`` lets
    the database do it."""
    anchors = [anchor for anchor in anchors if anchor.position >= after]
    try:
        with transaction.atomic():
            walked = _walked(after, anchors, fast)
    except Entry.DoesNotExist:
        return Finding(Verdict.BROKEN, 0, after, "", Fault.MISSING, SENTENCES[Fault.MISSING], after)
    except DatabaseError as error:
        return Finding(Verdict.CANNOT_TELL, why=f"The log cannot be read: {str(error).strip().splitlines()[0]}.")
    return judge(walked, anchors, now=now or timezone.now(), damage=damage)


def verify_in_database(**options: Any) -> Finding:
    return verify(fast=True, **options)


def _walked(after: int, anchors: Sequence[Anchor], fast: bool) -> Walked:
    head = _hash_at(after)
    if fast:
        try:
            with transaction.atomic():
                return _asked(after, head, anchors)
        except DataError:
            pass  # a text that is no JSON at all stops the statement; the walk says where it is
    return walk(rows(after=after), anchors, after=after, head=head)


def _hash_at(position: int) -> str:
    return Entry.objects.get(position=position).hash if position else BEFORE_THE_FIRST


def rows(*, after: int = 0, until: int | None = None) -> Iterator[Row]:
    """The entries as of one moment, a chunk at a time."""
    with connection.chunked_cursor() as cursor:
        cursor.itersize = CHUNK
        cursor.execute(statement(SQL, "rows"), {"after": after, "until": until})
        while chunk := cursor.fetchmany(CHUNK):
            for position, columns, canonical, previous_hash, digest in chunk:
                yield Row(position, json.loads(columns), canonical, previous_hash, digest)


def _asked(after: int, head: str, anchors: Sequence[Anchor]) -> Walked:
    """What a walk would find, in a few statements over all entries."""
    entries, last, *faults = _row("order", after=after, head=head)
    faults += _row("contents", after=after, until=last)
    first = min((behind for behind in faults if behind is not None), default=None)
    fault = None if first is None else IN_ORDER[faults.index(first)]
    position = last if first is None else max(after, first)
    hashes = _hashes({position, *(anchor.position for anchor in anchors)}) | {after: head, 0: BEFORE_THE_FIRST}
    whole = {at: found for at, found in hashes.items() if at <= position}
    entries = entries if first is None else position - after
    return Walked(entries, position, hashes.get(position, head), fault, whole, _moment_behind(anchors, position))


def _row(name: str, **parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, name), parameters)
        return list(cursor.fetchone() or [None])


def _hashes(positions: set[int]) -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "hashes"), {"positions": sorted(positions)})
        return dict(cursor.fetchall())


def _moment_behind(anchors: Sequence[Anchor], position: int) -> datetime | None:
    anchored = max((anchor.position for anchor in anchors), default=0)
    return _row("moment", position=anchored + 1)[0] if anchored < position else None


def canonical_text(entry: Entry) -> str:
    """What the columns say, as admin_audit_log_canonical() tells it."""
    return told({name: getattr(entry, name) for name in TOLD} | {"at": fixed_form(entry.at)})


def fixed_form(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
