"""Posting what was approved, exactly once, although the ledger lives in another database.

1. The console's transaction of the last approval enqueues the task (workflow.py).
2. Line by line, the worker holds the request in the console (the claim) and, in one transaction of the ledger, takes
   the line's key, reads the evidence with locks, compares it with what was signed, posts, and keeps the receipt.
3. The console notes the receipts, the request is applied, its anomaly settled.

Whatever dies wherever, the next run finishes: it meets the key in the ledger and takes the receipt from beside it. The
ledger is written last and read first. Nothing is ever posted without taking the key in the same transaction.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, DataError, IntegrityError, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _
from procrastinate.exceptions import AlreadyEnqueued

from adjustments import ledger
from adjustments.content import Entry, content_hash, evidence_changes, is_as_signed, settled, signed_lines
from adjustments.drafting import customer_of
from adjustments.freezes import holding
from adjustments.freezes.models import Freeze
from adjustments.models import Adjustment, AdjustmentLine
from adjustments.policy import UNDER_ANOTHER_POLICY, policy_now
from adjustments.standing import move, names
from adjustments.states import Outcome, State, Verdict
from anomalies import triage
from audit.log import acting, job_actor
from jobs.queue import app
from systems import registry
from systems.base import Correction, Posting, Refused

WORKER = job_actor("adjustments.apply")
DRIVEN = (State.APPROVED, State.NEEDS_ATTENTION)


class Stopped(Exception):
    """Trying again would change nothing: people must look. The text says why."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    outcome: Outcome
    at: datetime
    receipt: dict[str, Any] | None = None


def enqueue(pk: UUID) -> bool:
    """Asks the worker, once: a second asking while the first waits does nothing."""
    try:
        with transaction.atomic():
            # No lock: one that a dead worker holds would keep the next one from finishing its work.
            app.configure_task("adjustments.apply", queue="apply", queueing_lock=f"apply {pk}").defer(
                adjustment=str(pk)
            )
    except AlreadyEnqueued:
        return False
    return True


def drive(pk: UUID, *, now: datetime) -> str:
    """Takes a request as far as it goes, and says how far. Safe at any time, again, and from two processes at once."""
    held: set[int] = set()  # the lines that a freeze holds
    while _step(pk, held, now=now):
        pass
    _finish(pk, now=now)
    adjustment = Adjustment.objects.get(pk=pk)
    return f"#{adjustment.number} is {adjustment.state}. {adjustment.obstacle}".strip()


def _claimed(pk: UUID) -> Adjustment | None:
    """The request, if it is approved and nobody else is at it."""
    free = Adjustment.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    return free.select_related("proposed_by", "anomaly").filter(pk=pk, state__in=DRIVEN).first()


# Step 2 --------------------------------------------------------------------------------------------------------------


def _step(pk: UUID, held: set[int], *, now: datetime) -> bool:
    """One line. Whether there may be another to do."""
    with acting(WORKER):
        adjustment = _claimed(pk)
        line = adjustment and adjustment.current_lines().filter(outcome=Outcome.WAITING).exclude(pk__in=held).first()
        if not adjustment or not line:
            return False
        try:
            wanted = _wanted(adjustment, now)
            freeze = holding.freeze_on(line) if wanted == Outcome.POSTED else None
            answer = _ask_ledger(adjustment, line, Outcome.WAITING if freeze else wanted, now)
            if freeze and not answer:
                return _leave(adjustment, line, freeze, held, now)
            return bool(answer) and _keep(line, answer)
        except ledger.Obstacle as obstacle:
            _note(adjustment, str(obstacle), now)
        except Stopped as reason:
            _need_attention(adjustment, str(reason), now)
        return False


def _leave(adjustment: Adjustment, line: AdjustmentLine, freeze: Freeze, held: set[int], now: datetime) -> bool:
    """A line that is frozen, and that the ledger does not hold: the others go on."""
    held.add(line.pk)
    _note(adjustment, holding.sentence(freeze), now)
    return True


def _wanted(adjustment: Adjustment, now: datetime) -> Outcome:
    """What the line's key shall say; WAITING is to look only."""
    if asked_to_cancel(adjustment) or (adjustment.state == State.APPROVED and now >= adjustment.apply_by):
        return Outcome.VOID
    return Outcome.POSTED if adjustment.state == State.APPROVED else Outcome.WAITING


def asked_to_cancel(adjustment: Adjustment) -> bool:
    """Whether two people have asked for it."""
    asked = adjustment.decisions.filter(
        revision=adjustment.revision, attempt=adjustment.attempt, verdict=Verdict.CANCEL
    )
    return asked.values("person").distinct().count() >= 2


def _ask_ledger(adjustment: Adjustment, line: AdjustmentLine, wanted: Outcome, now: datetime) -> Answer | None:
    system = registry.get(adjustment.system)
    try:
        with ledger.writing(system) as cursor:
            if wanted == Outcome.WAITING:
                return _found(adjustment, line, cursor)
            taken = ledger.take_key(cursor, key=line.key, content_hash=adjustment.content_hash, outcome=wanted, now=now)
            if not taken:
                return _found(adjustment, line, cursor)
            if wanted == Outcome.VOID:
                return Answer(outcome=wanted, at=now)
            return _post(adjustment, line, cursor, now)
    except Refused as refusal:
        raise Stopped(str(refusal)) from refusal
    except (IntegrityError, DataError) as error:
        raise Stopped(_("The ledger refused it: %s") % str(error).strip().splitlines()[0]) from error
    except DatabaseError as error:
        raise ledger.obstacle(system, error) from error


def _found(adjustment: Adjustment, line: AdjustmentLine, cursor: CursorWrapper) -> Answer | None:
    """What an earlier run did with this key, if one did."""
    taken = ledger.read_key(cursor, line.key)
    if taken is None:
        return None
    if taken.content_hash != adjustment.content_hash:
        raise Stopped(_("The ledger holds another content under this line's key. Nothing was posted."))
    return Answer(outcome=taken.outcome, at=taken.at, receipt=taken.receipt)


def _post(adjustment: Adjustment, line: AdjustmentLine, cursor: CursorWrapper, now: datetime) -> Answer:
    system = registry.get(adjustment.system)
    correction = system.correction(adjustment.correction)
    _compare(adjustment, line, correction, cursor)
    receipt = settled(correction.post(cursor, line.as_line(), posting(adjustment, line, now)))
    ledger.keep_receipt(cursor, key=line.key, receipt=receipt)
    return Answer(outcome=Outcome.POSTED, at=now, receipt=receipt)


def posting(adjustment: Adjustment, line: AdjustmentLine, now: datetime) -> Posting:
    return Posting(
        key=line.key,
        reason=adjustment.reason,
        proposer=adjustment.proposed_by.name,
        approvers=tuple(names(adjustment, Verdict.APPROVE)),
        correlation_id=adjustment.correlation_id,
        now=now,
    )


def _compare(adjustment: Adjustment, line: AdjustmentLine, correction: Correction, cursor: CursorWrapper) -> None:
    """What was signed is what there is: the same policy, the same lines, the same facts in the source."""
    evidence = correction.evidence(cursor, line.as_line(), True)
    if evidence is None:
        raise Stopped(_("The source no longer has what this rests on."))
    if policy_now(adjustment).version != adjustment.policy_version:
        raise Stopped(str(UNDER_ANOTHER_POLICY))
    signed = signed_lines(adjustment.content).get(str(line.key), {})
    fresh = settled(evidence)
    customer = customer_of(correction, line.as_line(), fresh) if "customer" in signed else ""
    now = Entry(key=line.key, line=line.as_line(), evidence=fresh, customer=customer)
    if content_hash(adjustment.content) != adjustment.content_hash or not is_as_signed(signed, line.number, now):
        raise Stopped(_("The source has moved since this was signed: %s") % _moved(line, fresh))


def _moved(line: AdjustmentLine, evidence: dict[str, Any]) -> str:
    found = evidence_changes(line.subject, line.evidence, evidence)
    told = [f"{change.name}: {json.dumps(change.before)} → {json.dumps(change.after)}" for change in found]
    return "; ".join(told) or _("the stored lines are not the ones that were signed")


def _keep(line: AdjustmentLine, answer: Answer) -> bool:
    posted_at = answer.at if answer.outcome == Outcome.POSTED else None
    still_waiting = AdjustmentLine.objects.filter(pk=line.pk, outcome=Outcome.WAITING)
    try:
        with transaction.atomic():
            return still_waiting.update(outcome=answer.outcome, receipt=answer.receipt, posted_at=posted_at) == 1
    except IntegrityError as error:
        if not holding.is_late(error):
            raise
        raise Stopped(_("The ledger says that this was posted after it had been frozen. Look at it there.")) from error


def _note(adjustment: Adjustment, obstacle: str, now: datetime) -> None:
    """It stays as it is and is tried again; the page says what is in the way.

    Looking whether a stopped one was posted after all leaves the reason why it stopped.
    """
    only_looked = adjustment.state == State.NEEDS_ATTENTION and not asked_to_cancel(adjustment)
    told = {} if only_looked else {"obstacle": obstacle}
    Adjustment.objects.filter(pk=adjustment.pk).update(tried_at=now, **told)


def _need_attention(adjustment: Adjustment, reason: str, now: datetime) -> None:
    if adjustment.state == State.NEEDS_ATTENTION:
        return _note(adjustment, reason, now)
    move(adjustment, State.NEEDS_ATTENTION, obstacle=reason, tried_at=now, attempt=adjustment.attempt + 1)


# Step 3 --------------------------------------------------------------------------------------------------------------


def _finish(pk: UUID, *, now: datetime) -> None:
    with acting(WORKER):
        adjustment = _claimed(pk)
        outcomes = set(adjustment.current_lines().values_list("outcome", flat=True)) if adjustment else set()
        if not outcomes or Outcome.WAITING in outcomes:
            return
        if Outcome.POSTED in outcomes:
            _applied(adjustment, now)
        else:
            _fenced(adjustment, now)


def _applied(adjustment: Adjustment, now: datetime) -> None:
    move(adjustment, State.APPLIED, applied_at=now, tried_at=now, obstacle="")
    if adjustment.anomaly:
        triage.settle(
            anomaly=adjustment.anomaly,
            actor=WORKER,
            adjustment_id=adjustment.pk,
            occurrence=adjustment.occurrence,
            now=now,
        )
    if adjustment.reverses:
        _take_back(adjustment.reverses, now)


def _take_back(original: Adjustment, now: datetime) -> None:
    Adjustment.objects.filter(pk=original.pk, reversed_at=None).update(reversed_at=now)
    if original.anomaly:
        triage.unsettle(anomaly=original.anomaly, actor=WORKER, adjustment_id=original.pk, now=now)


def _fenced(adjustment: Adjustment, now: datetime) -> None:
    """Every line has a void key: nothing of this will ever be posted."""
    if asked_to_cancel(adjustment):
        move(adjustment, State.CANCELLED, closed_at=now, obstacle="")
    elif adjustment.state == State.APPROVED and now >= adjustment.apply_by:
        move(adjustment, State.EXPIRED, closed_at=now, obstacle="")
    else:
        _need_attention(adjustment, _("The ledger holds a void key: this was cancelled there. Cancel it here."), now)
