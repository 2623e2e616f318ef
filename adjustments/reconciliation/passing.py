"""A pass over one system: the ledger's keys one page after the other, then the console's lines, then what was open.

A page is a short transaction that cannot write, so neither is the ledger held nor memory filled, however much there is.
A pass that runs out of time says so: what it did not reach, it cannot tell.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from adjustments import ledger
from adjustments.models import AdjustmentLine
from adjustments.reconciliation.comparing import DRIVEN, Kept, Problem, compare, is_posted_by_key
from adjustments.reconciliation.models import Answer, Discrepancy, Reconciliation
from adjustments.states import Outcome
from audit.log import job_actor, record
from billingadmin.sql import statement
from systems.base import System

SQL = Path(__file__).with_name("reconciliation.sql")
RECONCILER = job_actor("adjustments_reconcile")
PAGE = 500
WINDOW = timedelta(days=2)
PATIENCE = {True: 900, False: 120}  # seconds; whole or window
SAMPLE = 20
NO_KEY = UUID(int=0)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class OutOfTime(Exception):
    """The pass took longer than it may. The text says how far it came."""


@dataclass
class Pass:
    system: System
    since: datetime | None
    now: datetime
    until: float
    key_count: int = 0
    line_count: int = 0
    new_count: int = 0

    @property
    def posts(self) -> bool:
        """Whether the system has a ledger that we write to at all."""
        return any(is_posted_by_key(self.system, one.code) for one in self.system.corrections)


def reconcile(system: System, *, now: datetime, whole: bool = False) -> Reconciliation:
    """Compares, stores what does not agree and what agrees again. Whatever it finds, it mends nothing."""
    begun = monotonic()
    since = None if whole else now - WINDOW
    going = Pass(system, since, now, until=begun + PATIENCE[whole])
    answer, why = Answer.DONE, ""
    try:
        if going.posts:
            _go(going)
    except (ledger.Obstacle, OutOfTime) as obstacle:
        answer, why = Answer.CANNOT_TELL, str(obstacle)
    except DatabaseError as error:
        answer, why = Answer.CANNOT_TELL, str(ledger.obstacle(system, error))
    finished_at = now + timedelta(seconds=monotonic() - begun)
    return _keep(going, answer, why, finished_at)


def _go(going: Pass) -> None:
    for page in _pages_of_keys(going):
        _examine(going, page, _lines(page))
    for lines in _pages_of_lines(going):
        _examine(going, {line.key: None for line in lines}, {line.key: line for line in lines}, ask=True)
    _look_again(going)


def _examine(
    going: Pass, keys: dict[UUID, Kept | None], lines: dict[UUID, AdjustmentLine], *, ask: bool = False
) -> list[Problem]:
    """One page. With ``ask`` the ledger is asked for each key first."""
    if monotonic() > going.until:
        told = {"keys": going.key_count, "lines": going.line_count}
        raise OutOfTime(_("It ran out of time after %(keys)d keys and %(lines)d lines.") % told)
    problems = []
    with _looking(going.system) as cursor:
        for key, kept in keys.items():
            there = _key(cursor, key) if ask else kept
            problems += compare(going.system, cursor, key, there, lines.get(key), going.now)
    _store(going, problems)
    return problems


@contextmanager
def _looking(system: System) -> Iterator[Any]:
    """The key table is the writer's; what is asked here could not write, and is rolled back on top of that."""
    with ledger.writing(system) as cursor:
        if cursor.db.vendor == "postgresql":
            cursor.execute(statement(SQL, "read_only"))
        yield cursor
        transaction.set_rollback(True, using=ledger.writer_of(system))


def _pages_of_keys(going: Pass) -> Iterator[dict[UUID, Kept | None]]:
    after = NO_KEY
    while True:
        with _looking(going.system) as cursor:
            asked = {"after": str(after), "since": (going.since or LONG_AGO).isoformat(), "limit": PAGE}
            cursor.execute(statement(SQL, "keys"), asked)
            page = [Kept.of(row) for row in cursor.fetchall()]
        if not page:
            return
        going.key_count += len(page)
        yield {kept.key: kept for kept in page}
        after = page[-1].key


def _key(cursor: Any, key: UUID) -> Kept | None:
    cursor.execute(statement(SQL, "key"), {"key": str(key)})
    found = cursor.fetchone()
    return Kept.of(found) if found else None


def _lines(keys: Any) -> dict[UUID, AdjustmentLine]:
    found = AdjustmentLine.objects.filter(key__in=list(keys)).select_related("adjustment")
    return {line.key: line for line in found}


def _pages_of_lines(going: Pass) -> Iterator[Sequence[AdjustmentLine]]:
    """The lines that say the ledger has a key, and those that should have one by now."""
    ended = Q(outcome=Outcome.POSTED) | Q(outcome=Outcome.VOID)
    if going.since:
        ended &= Q(posted_at__gte=going.since) | Q(adjustment__closed_at__gte=going.since)
    due = Q(outcome=Outcome.WAITING, revision=F("adjustment__revision"), adjustment__state__in=sorted(DRIVEN))
    wanted = AdjustmentLine.objects.filter(ended | due, adjustment__system=going.system.slug)
    after = 0
    while page := list(wanted.filter(pk__gt=after).select_related("adjustment").order_by("pk")[:PAGE]):
        after = page[-1].pk
        going.line_count += len(page)
        yield [line for line in page if is_posted_by_key(going.system, line.adjustment.correction)]


def _look_again(going: Pass) -> None:
    """Everything that was open before and was not met in this pass: whether it still is so."""
    after = 0
    before = Discrepancy.objects.open().of(going.system.slug).filter(last_seen_at__lt=going.now)
    while page := list(before.filter(pk__gt=after).order_by("pk")[:PAGE]):
        after = page[-1].pk
        keys = dict.fromkeys(one.key for one in page)
        still = {(found.key, found.kind) for found in _examine(going, keys, _lines(keys), ask=True)}
        over = [one.pk for one in page if (one.key, one.kind) not in still]
        Discrepancy.objects.open().filter(pk__in=over).update(settled_at=going.now)


def _store(going: Pass, problems: Sequence[Problem]) -> None:
    for problem in problems:
        _found, is_new = Discrepancy.objects.open().get_or_create(
            system=going.system.slug,
            key=problem.key,
            kind=problem.kind,
            defaults={
                "adjustment": problem.line and problem.line.adjustment,
                "detail": problem.detail,
                "first_seen_at": going.now,
                "last_seen_at": going.now,
            },
        )
        if is_new:
            going.new_count += 1
        else:
            Discrepancy.objects.filter(pk=_found.pk).update(last_seen_at=going.now, detail=problem.detail)


def _keep(going: Pass, answer: Answer, why: str, finished_at: datetime) -> Reconciliation:
    """The run, and one entry in the audit log when it found something new or saw something settled."""
    slug = going.system.slug
    with transaction.atomic():
        still_open = Discrepancy.objects.open().of(slug)
        kept = Reconciliation.objects.create(
            system=slug,
            since=going.since,
            started_at=going.now,
            finished_at=finished_at,
            answer=answer,
            why=why,
            key_count=going.key_count,
            line_count=going.line_count,
            found_count=still_open.count(),
        )
        settled_count = Discrepancy.objects.of(slug).filter(settled_at=going.now).count()
        if going.new_count or settled_count:
            record(
                actor=RECONCILER,
                action_type="reconciliation_found",
                target_type="reconciliation",
                target_id=str(kept.pk),
                system=slug,
                metadata={"new": going.new_count, "settled": settled_count, "open": kept.found_count}
                | {"sample": _sample(still_open.filter(first_seen_at=going.now))},
            )
    return kept


def _sample(found: Any) -> list[dict[str, Any]]:
    newest = found.order_by("-pk").values("kind", "key", "adjustment__number")[:SAMPLE]
    return [{"kind": one["kind"], "key": one["key"], "request": one["adjustment__number"]} for one in newest]
