"""What would happen: the posting rehearsed in the ledger itself, in a transaction that is rolled back.

Asked of the worker, which alone may write there; the answer is stored and the page picks it up. Waits are short: a
preview never holds up the ledger. A SQLite file has one writer, so there a copy is written to instead.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from django.db import DatabaseError, DataError, IntegrityError, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from adjustments import ledger
from adjustments.applying import posting
from adjustments.content import settled
from adjustments.models import Adjustment, AdjustmentLine, Preview
from adjustments.states import Outcome
from billingadmin.sql import statement
from jobs.queue import app
from systems import facts, registry
from systems.base import Correction, CorrectionKind, Finding, Refused, System, Verdict
from systems.reading import Questions, SourceUnavailable, reading

ANSWERS_WITHIN = timedelta(seconds=60)  # after that the page stops asking, and says so
REHEARSED = 25  # lines of a request: to try hundreds would hold the ledger for as long
LOCK_MS, STATEMENT_MS = 1_000, 5_000


def ask(adjustment: Adjustment, *, now: datetime) -> Preview:
    """Calm when it has just been asked for."""
    asked = adjustment.previews.filter(revision=adjustment.revision, stage=Preview.Stage.ASKED)
    if awaited := asked.filter(asked_at__gt=now - ANSWERS_WITHIN).first():
        return awaited
    preview = Preview.objects.create(adjustment=adjustment, revision=adjustment.revision, asked_at=now)
    app.configure_task("adjustments.preview", queue="apply").defer(preview_id=str(preview.pk))
    return preview


def answer(pk: UUID, *, now: datetime) -> str:
    """The worker's part. Done once: an answer is never replaced."""
    preview = Preview.objects.select_related("adjustment__proposed_by").get(pk=pk)
    if preview.stage != Preview.Stage.ASKED:
        return f"The preview of #{preview.adjustment.number} is {preview.stage} already."
    columns: dict[str, Any] = {"stage": Preview.Stage.DONE}
    try:
        columns["answer"] = rehearse(preview.adjustment, preview.revision, now=now)
    except ledger.Obstacle as obstacle:
        columns = {"stage": Preview.Stage.FAILED, "why": str(obstacle)}
    unanswered = Preview.objects.filter(pk=pk, stage=Preview.Stage.ASKED)
    unanswered.update(**columns, answered_at=now)
    return f"The preview of #{preview.adjustment.number} is {columns['stage'].value}."


def rehearse(adjustment: Adjustment, revision: int, *, now: datetime) -> dict[str, Any]:
    system = registry.get(adjustment.system)
    lines = list(adjustment.lines.filter(revision=revision).order_by("number")[:REHEARSED])
    if system.correction(adjustment.correction).kind != CorrectionKind.POSTING:
        return _outlook(system, system.correction(adjustment.correction), lines, now)
    try:
        with _stage(system) as alias, connections[alias].cursor() as cursor:
            return _rehearsed(adjustment, lines, Questions(system, connections[alias], now), cursor)
    except DatabaseError as error:
        raise ledger.obstacle(system, error) from error


def _outlook(system: System, correction: Correction, lines: Sequence[AdjustmentLine], now: datetime) -> dict[str, Any]:
    """What happens elsewhere cannot be rehearsed: only whether the source still says what the request rests on."""
    try:
        with reading(system, now=now) as source, source.connection.cursor() as cursor:
            evidence = [_evidence(correction, cursor, line) for line in lines]
            effects = _effects(correction, cursor, lines)
    except SourceUnavailable as down:
        raise ledger.Obstacle(f"{system.label}: {down.reason}. {down.remedy}") from down
    told = {"refused": "", "stops": [], "begins": [], "elsewhere": True}
    return {"evidence": evidence, "effects": _compared(effects, effects), **told}


def _rehearsed(
    adjustment: Adjustment, lines: Sequence[AdjustmentLine], source: Questions, cursor: CursorWrapper
) -> dict[str, Any]:
    system, correction = source.system, source.system.correction(adjustment.correction)
    before, effects = _judged(system, correction, source, lines), _effects(correction, cursor, lines)
    evidence = [_evidence(correction, cursor, line) for line in lines]
    refused = _post_all(adjustment, lines, correction, source, cursor)
    after = before if refused else _judged(system, correction, source, lines)
    return {
        "evidence": evidence,
        "refused": refused,
        "stops": [_shown(before[name]) for name in before if name not in after],
        "begins": [_shown(after[name]) for name in after if name not in before],
        "effects": _compared(effects, _effects(correction, cursor, lines)),
    }


def _post_all(
    adjustment: Adjustment,
    lines: Sequence[AdjustmentLine],
    correction: Correction,
    source: Questions,
    cursor: CursorWrapper,
) -> str:
    """Why the ledger would refuse, or nothing."""
    try:
        with transaction.atomic(using=source.connection.alias):
            for line in lines:
                _post(adjustment, line, correction, cursor, source.now)
            if source.connection.vendor == "postgresql":
                cursor.execute(statement(ledger.TIMEOUTS, "check_deferred"))
    except Refused as refusal:
        return str(refusal)
    except DatabaseError as error:
        if ledger.lacks_key_table(error) or not _is_final(error):
            raise
        return _("The ledger would refuse it: %s") % str(error).strip().splitlines()[0]
    return ""


def _is_final(error: DatabaseError) -> bool:
    """Whether the ledger would say the same again (a constraint), not merely now (a lock, a lost connection)."""
    return isinstance(error, IntegrityError | DataError)


def _post(
    adjustment: Adjustment, line: AdjustmentLine, correction: Correction, cursor: CursorWrapper, now: datetime
) -> None:
    ledger.take_key(cursor, key=line.key, content_hash=adjustment.content_hash, outcome=Outcome.POSTED, now=now)
    if line.outcome == Outcome.WAITING:
        correction.post(cursor, line.as_line(), posting(adjustment, line, now))


def _judged(
    system: System, correction: Correction, source: Questions, lines: Sequence[AdjustmentLine]
) -> dict[str, Finding]:
    subjects = sorted({line.subject for line in lines})
    about = [one for one in system.facts if one.kind == correction.subject_kind]
    found = [finding for one in about for finding in facts.judge(system, source, one, subjects)]
    return {finding.fingerprint: finding for finding in found if finding.verdict == Verdict.ANOMALY}


def _evidence(correction: Correction, cursor: CursorWrapper, line: AdjustmentLine) -> dict[str, Any] | None:
    evidence = correction.evidence(cursor, line.as_line(), False)
    return None if evidence is None else settled(evidence)


def _effects(
    correction: Correction, cursor: CursorWrapper, lines: Sequence[AdjustmentLine]
) -> list[dict[str, tuple[int, str]]]:
    return [
        {str(label): figure for label, figure in correction.effects(cursor, line.as_line()).items()} for line in lines
    ]


def _compared(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [
        [
            {"label": label, "unit": unit, "before": value, "after": then.get(label, (value, unit))[0]}
            for label, (value, unit) in now.items()
        ]
        for now, then in zip(before, after, strict=True)
    ]


def _shown(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "subject": finding.subject,
        "severity": str(finding.severity),
        "amount": finding.amount,
        "unit": finding.unit,
    }


# Where it is rehearsed -----------------------------------------------------------------------------------------------


@contextmanager
def _stage(system: System) -> Iterator[str]:
    """An alias in a transaction of which nothing stays."""
    if not ledger.has_writer(system) or connections[ledger.writer_of(system)].vendor == "postgresql":
        with ledger.writing(system, lock_ms=LOCK_MS, statement_ms=STATEMENT_MS):
            yield ledger.writer_of(system)
            transaction.set_rollback(True, using=ledger.writer_of(system))
        return
    with _copied(ledger.writer_of(system)) as alias, transaction.atomic(using=alias):
        yield alias


@contextmanager
def _copied(original: str) -> Iterator[str]:
    """An alias for a copy of a SQLite file, made while others may write to the file."""
    alias, made_of = f"{original}_copy", connections[original]
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.sqlite3"
        _copy(made_of.settings_dict["NAME"], copy)
        connections[alias] = type(made_of)({**made_of.settings_dict, "NAME": str(copy)}, alias)  # of this thread alone
        try:
            yield alias
        finally:
            connections[alias].close()
            del connections[alias]


def _copy(path: str, copy: Path) -> None:
    source = sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True)
    target = sqlite3.connect(copy)
    try:
        source.backup(target)
    except sqlite3.Error as error:
        raise DatabaseError(str(error)) from error
    finally:
        source.close()
        target.close()
