"""Keeps what a check saw: new anomalies, what changed about known ones, which came back, which are gone.

All of a batch is one transaction, with the known rows locked, so that a person's decision and an observation never
overwrite each other. The source is not asked here.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, transaction

from anomalies.digest import facts_digest
from anomalies.identifiers import identifiers
from anomalies.models import Anomaly, Check, DetectionRun
from anomalies.models.states import ANSWERED, Decision, Presence
from anomalies.models.work import CheckEvent
from billingadmin.sql import statement
from systems.base import Finding, System, Verdict

SQL = Path(__file__).with_name("detection.sql")
COMPARED = ("subject_kind", "verdict", "severity", "amount", "unit", "facts", "ids")
UNDECIDED: dict[str, Any] = {
    "decision": Decision.OPEN,
    "decided_by": None,
    "decided_at": None,
    "decided_digest": "",
    "decision_note": "",
    "dismissal": "",
    "snoozed_until": None,
    "grow_count": None,
    "grow_amount": None,
    "settled_by": None,
}
GONE_EVENTS = {
    Presence.ABSENT: CheckEvent.ABSENT,
    Presence.SUBJECT_GONE: CheckEvent.SUBJECT_GONE,
    Presence.NOT_CHECKABLE: CheckEvent.NOT_CHECKABLE,
}


class NotKept(Exception):
    """The console's own database failed: not the source's fault, and nothing a rule could be blamed for."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """A finding as it is kept: which anomaly it is, and what people have decided about it so far."""

    finding: Finding
    anomaly: int
    decision: str
    events: tuple[CheckEvent, ...]

    @property
    def is_new(self) -> bool:
        return CheckEvent.FOUND in self.events


def observe(
    found: Sequence[Finding], *, system: System, now: datetime, run: DetectionRun | None = None
) -> list[Observed]:
    """Keeps findings, each fingerprint once and already storable; answers what each of them is."""
    try:
        with transaction.atomic():
            return _observe(found, system=system, now=now, run=run)
    except DatabaseError as error:
        raise NotKept(str(error)) from error


def _observe(found: Sequence[Finding], *, system: System, now: datetime, run: DetectionRun | None) -> list[Observed]:
    rows = {finding.fingerprint: as_kept(system, finding) for finding in found}
    known = _known(rows)
    observed = [_judged(finding, rows[finding.fingerprint], known.get(finding.fingerprint), now) for finding in found]
    added = _insert([rows[one.finding.fingerprint] for one in observed if one.is_new], now)
    _touch([one.anomaly for one in observed if not rows[one.finding.fingerprint].get("changed")], now)
    _update([row for row in rows.values() if row.get("changed")], now)
    observed = [_identified(one, added) for one in observed]
    _reopen([one.anomaly for one in observed if CheckEvent.REOPENED in one.events])
    _remember(observed, now, run)
    return observed


def as_kept(system: System, finding: Finding) -> dict[str, Any]:
    return {
        "system": finding.system,
        "rule": finding.rule,
        "subject_kind": finding.kind,
        "subject": finding.subject,
        "fingerprint": finding.fingerprint,
        "ids": identifiers(finding.subject, finding.facts),
        "verdict": str(finding.verdict),
        "severity": str(finding.severity),
        "observed_at": finding.observed_at,
        "amount": finding.amount,
        "unit": finding.unit,
        "facts": finding.facts,
        "facts_digest": facts_digest(system, finding),
    }


def _known(fingerprints: Iterable[str]) -> dict[str, Anomaly]:
    rows = Anomaly.objects.select_for_update(no_key=True).filter(fingerprint__in=list(fingerprints)).order_by("pk")
    return {anomaly.fingerprint: anomaly for anomaly in rows}


def _judged(finding: Finding, row: dict[str, Any], known: Anomaly | None, now: datetime) -> Observed:
    if known is None:
        return Observed(finding=finding, anomaly=0, decision=Decision.OPEN, events=(CheckEvent.FOUND,))
    events = events_of(known, row, now)
    learnt = learnt_digest(known, row["facts_digest"], now)
    row["decided_digest"], row["returned"] = learnt, CheckEvent.RETURNED in events
    row["changed"] = bool(events) or _differs(known, row) or learnt != known.decided_digest
    decision = Decision.OPEN if CheckEvent.REOPENED in events else known.decision
    return Observed(finding=finding, anomaly=known.pk, decision=decision, events=events)


# What it means -------------------------------------------------------------------------------------------------------


def events_of(known: Anomaly, row: dict[str, Any], now: datetime) -> tuple[CheckEvent, ...]:
    """What happened to a known anomaly that is seen now."""
    events = []
    if known.presence == Presence.ABSENT:
        events.append(CheckEvent.RETURNED)
    elif known.presence != Presence.SEEN:
        events.append(CheckEvent.SEEN_AGAIN)
    elif known.facts != row["facts"] or known.verdict != row["verdict"]:
        events.append(CheckEvent.CHANGED)
    if answered_otherwise(known, row["facts_digest"], now):
        events.append(CheckEvent.REOPENED)
    return tuple(events)


def answered_otherwise(known: Anomaly, digest: str, now: datetime) -> bool:
    """Whether the answer was given to other facts than these.

    A settled anomaly has no digest until the first check after the posting: the posting itself changes the facts. If
    that check found it gone, its coming back is a change.
    """
    if known.decision not in ANSWERED or known.decided_at > now:
        return False
    return known.decided_digest != digest if known.decided_digest else known.presence == Presence.ABSENT


def learnt_digest(known: Anomaly, digest: str, now: datetime) -> str:
    """The digest an answer is held against: for one just settled, of the facts as the adjustment left them."""
    learns = known.decision == Decision.SETTLED and not known.decided_digest and known.decided_at <= now
    return digest if learns else known.decided_digest


def _differs(known: Anomaly, row: dict[str, Any]) -> bool:
    moved = row["observed_at"] is not None and known.observed_at != row["observed_at"]
    return moved or any(getattr(known, name) != row[name] for name in COMPARED)


# What is written -----------------------------------------------------------------------------------------------------


def _insert(rows: Sequence[dict[str, Any]], now: datetime) -> dict[str, int]:
    if not rows:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "insert_found"), {"rows": _json(rows), "now": now})
        return {fingerprint: anomaly for anomaly, fingerprint in cursor.fetchall()}


def _update(rows: Sequence[dict[str, Any]], now: datetime) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(statement(SQL, "update_seen"), {"rows": _json(rows), "now": now})


def _touch(anomalies: Sequence[int], now: datetime) -> None:
    if known := [anomaly for anomaly in anomalies if anomaly]:
        with connection.cursor() as cursor:
            cursor.execute(statement(SQL, "touch_seen"), {"ids": known, "now": now})


def _identified(one: Observed, added: dict[str, int]) -> Observed:
    """A new one gets its number. There is one writer per system, so nobody else can have added it meanwhile."""
    anomaly = one.anomaly or added[one.finding.fingerprint]
    return Observed(finding=one.finding, anomaly=anomaly, decision=one.decision, events=one.events)


def _reopen(anomalies: Collection[int]) -> None:
    if anomalies:
        Anomaly.objects.filter(pk__in=anomalies).update(**UNDECIDED)


def _remember(observed: Iterable[Observed], now: datetime, run: DetectionRun | None) -> None:
    Check.objects.bulk_create(
        Check(
            anomaly_id=one.anomaly,
            run=run,
            at=now,
            event=event,
            presence=Presence.SEEN,
            verdict=one.finding.verdict,
            facts=one.finding.facts,
        )
        for one in observed
        for event in one.events
    )


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return json.dumps(rows, default=lambda moment: moment.isoformat())


def note_gone(
    anomalies: Iterable[Anomaly], presence: Presence, *, now: datetime, run: DetectionRun | None = None
) -> int:
    """Those checks that did not find them: absent (it clears), subject gone, or not checkable. Returns how many are
    so for the first time."""
    anomalies = list(anomalies)
    changed = [anomaly for anomaly in anomalies if anomaly.presence != presence]
    with transaction.atomic():
        older = Anomaly.objects.filter(pk__in=[anomaly.pk for anomaly in anomalies], checked_at__lte=now)
        older.update(presence=presence, checked_at=now)
        Check.objects.bulk_create(
            Check(
                anomaly=anomaly,
                run=run,
                at=now,
                event=GONE_EVENTS[presence],
                presence=presence,
                verdict=Verdict(anomaly.verdict),
            )
            for anomaly in changed
        )
    return len(changed)
