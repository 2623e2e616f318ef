"""Whether what happens next can be recorded: asked before money moves, because afterwards is too late.

A ledger is committed before the console is. So the entry is rehearsed first: written in full, under the chain's lock,
by the same function, grants and triggers, and rolled back. Then the head must be the one that was sealed and anchored,
and the last anchor must not be old, or nobody outside could tell what was changed since.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from audit import anchors
from audit.log import SYSTEM_ACTOR, record
from audit.models import Entry
from billingadmin.sql import statement

SQL = Path(__file__).with_name("readiness.sql")
ANCHORED_WITHIN = timedelta(minutes=30)  # they are written every ten, and at once when money or rights moved


class Rehearsed(Exception):
    """The entry was written: now it is taken back."""


def why_not(now: datetime) -> str:
    """Why nothing may move that must be recorded; empty when it may. The log is as it was before."""
    questions: tuple[Callable[[datetime], str], ...] = (_rehearse, _head, _anchored)
    return next(filter(None, (question(now) for question in questions)), "")


def _rehearse(now: datetime) -> str:
    try:
        with transaction.atomic():
            record(actor=SYSTEM_ACTOR, action_type="audit_rehearsed")
            raise Rehearsed
    except Rehearsed:
        return ""
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0]
        return _("The audit log takes no entry (%s), and what cannot be recorded is not done.") % reason


def _head(now: datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "unsealed_head"))
        found = cursor.fetchone()
    if not found:
        return ""
    return _("The last entry of the audit log (position %d) is not the one that was sealed. Verify the log.") % found


def _anchored(now: datetime) -> str:
    try:
        newest = anchors.newest()
    except OSError as error:
        return _("The anchors of the audit log cannot be read (%s).") % error.strerror
    if newest and newest.position and not Entry.objects.filter(pk=newest.position, hash=newest.hash).exists():
        return _("The audit log contradicts its anchor at position %d. Verify the log.") % newest.position
    since = newest.at if newest else _first_entry_at()
    if anchors.path() is None or since is None or now - since < ANCHORED_WITHIN:
        return ""
    return _(
        "The head of the audit log was last noted outside of the database at %(at)s UTC; it must not be older than "
        "%(limit)d minutes. Look whether the worker may write to %(file)s."
    ) % {"at": f"{since:%Y-%m-%d %H:%M}", "limit": ANCHORED_WITHIN.seconds // 60, "file": anchors.path()}


def _first_entry_at() -> datetime | None:
    return Entry.objects.order_by("position").values_list("at", flat=True).first()


def anchor_when_due(now: datetime) -> None:
    """After a pause nobody should have to wait for the clock: notes the head where the last note is old."""
    with suppress(OSError, anchors.Contradiction):
        newest = anchors.newest()
        if newest is None or now - newest.at >= ANCHORED_WITHIN / 2:
            anchors.write(now)
