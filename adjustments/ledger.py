"""The other side: a room's ledger as its writer sees it, and the key table that makes a posting happen once.

Only the worker has writer connections. A transaction here is short: it waits briefly for locks and for its statements,
and gives up rather than hold the ledger.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

import systems
from adjustments.states import Outcome
from audit import readiness
from billingadmin import durability
from billingadmin.sql import statement
from systems.base import System
from systems.reading import is_connected

APPLIED = Path(systems.__file__).with_name("applied.sql")
TIMEOUTS = Path(__file__).with_name("ledger.sql")
UNDEFINED_TABLE = "42P01"
FORBIDDEN = "42501"

log = logging.getLogger(__name__)


class Obstacle(Exception):
    """The ledger cannot be written now. Nothing was; the text says why, and what would mend it."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What stands beside a key that was there before us."""

    content_hash: str
    outcome: Outcome
    receipt: dict[str, Any] | None
    at: datetime


def writer_of(system: System) -> str:
    return f"{system.slug}_writer"


def has_writer(system: System) -> bool:
    return is_connected(writer_of(system))


@contextmanager
def writing(system: System, *, lock_ms: int = 2_000, statement_ms: int = 10_000) -> Iterator[CursorWrapper]:
    """A cursor of the ledger's writer in a transaction of its own. Raises Obstacle when there is no such connection."""
    alias = writer_of(system)
    if not has_writer(system):
        variable = f"{system.slug.upper()}_WRITER_DATABASE_URL"
        raise Obstacle(
            _("The worker has no connection that may write to %(label)s. Set %(variable)s in its environment.")
            % {"label": system.label, "variable": variable}
        )
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        if connections[alias].vendor == "postgresql":
            cursor.execute(statement(TIMEOUTS, "timeouts"), {"lock": f"{lock_ms}ms", "statement": f"{statement_ms}ms"})
        yield cursor


def take_key(cursor: CursorWrapper, *, key: UUID, content_hash: str, outcome: Outcome, now: datetime) -> bool:
    """Whether the key is now ours. False when somebody had it: then read it."""
    if why := why_unready(now, cursor.db.alias):
        log.critical("Nothing is posted: %s", why)
        raise Obstacle(why)
    taken = {"key": str(key), "content_hash": content_hash, "outcome": outcome.value, "at": now.isoformat()}
    cursor.execute(statement(APPLIED, "take_key"), taken)
    return cursor.rowcount == 1


def why_unready(now: datetime, *ledgers: str) -> str:
    """Why nothing may move, in here or out there: a commit that may be lost is none, and what cannot be recorded is
    not done. Empty when it may."""
    for forgetful, found in durability.refused("default", *ledgers).items():
        whose = _("The console's database") if forgetful == "default" else _("The ledger's database")
        return _(
            "%(whose)s may forget what it has acknowledged (%(settings)s): nothing is posted until it is set right."
        ) % {"whose": whose, "settings": ", ".join(found)}
    return readiness.why_not(now)


def read_key(cursor: CursorWrapper, key: UUID) -> Taken | None:
    cursor.execute(statement(APPLIED, "read_key"), {"key": str(key)})
    found = cursor.fetchone()
    if not found:
        return None
    receipt = json.loads(found[2]) if isinstance(found[2], str) else found[2]
    at = datetime.fromisoformat(found[3]) if isinstance(found[3], str) else found[3]
    return Taken(content_hash=found[0], outcome=Outcome(found[1]), receipt=receipt, at=at)


def keep_receipt(cursor: CursorWrapper, *, key: UUID, receipt: dict[str, Any]) -> None:
    cursor.execute(statement(APPLIED, "keep_receipt"), {"key": str(key), "receipt": json.dumps(receipt)})


def obstacle(system: System, error: DatabaseError) -> Obstacle:
    """The sentence for what the ledger's database answered, with what would mend it where we know."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if lacks_key_table(error):
        return Obstacle(
            _(
                "%(label)s has no key table that the worker may use, so nothing can be posted exactly once. "
                "Run “manage.py prepare_source %(slug)s” and execute the statements it prints."
            )
            % {"label": system.label, "slug": system.slug}
        )
    return Obstacle(
        _("%(label)s answered: %(reason)s. The worker tries again every minute.")
        % {"label": system.label, "reason": reason}
    )


def lacks_key_table(error: DatabaseError) -> bool:
    state = getattr(error.__cause__, "sqlstate", None)
    missing = state in (UNDEFINED_TABLE, FORBIDDEN) or "no such table" in str(error)
    return missing and "billingadmin_applied" in str(error)
