"""Posting what was approved, exactly once, although the ledger lives in another database.

1. The console's transaction of the last approval enqueues the task (workflow.py).
2. Line by line, the worker holds the request in the console (the claim) and, in one transaction of the ledger, takes
   the line's key, reads the evidence with locks, compares it with what was signed, posts, and keeps the receipt. The
   console notes the receipt and settles the anomaly. A refused line is kept with its obstacle; the others go on.
3. When no line is left the request is applied; or it needs attention, for the lines that were refused.

Whatever dies wherever, the next run finishes: it meets the key in the ledger and takes the receipt from beside it. The
ledger is written last and read first. Nothing is ever posted without taking the key in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, DataError, IntegrityError, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _
from procrastinate.exceptions import AlreadyEnqueued

from adjustments import ledger
from adjustments.comparing import LineRefused, compare
from adjustments.content import settled
from adjustments.freezes import holding
from adjustments.models import Adjustment, AdjustmentLine, outcomes_of
from adjustments.policy import UNDER_ANOTHER_POLICY, policy_now
from adjustments.standing import move, names
from adjustments.states import UNPOSTED, Outcome, State, Verdict
from anomalies import triage
from audit.log import acting, job_actor
from jobs.queue import app
from systems import registry
from systems.base import Posting, Refused

WORKER = job_actor("adjustments.apply")
DRIVEN = (State.APPROVED, State.NEEDS_ATTENTION)


class Stopped(Exception):
    """Nothing more of this request is posted before people have looked. The text says why."""


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
    from adjustments.elsewhere.carrying import carry_out  # which needs this module first

    number: int | None = None if carry_out(pk, now=now) else 0
    while number is not None:
        number = _step(pk, number, now=now)
    _finish(pk, now=now)
    adjustment = Adjustment.objects.defer("content").get(pk=pk)
    return f"#{adjustment.number} is {adjustment.state}. {adjustment.obstacle}".strip()


def _claimed(pk: UUID) -> Adjustment | None:
    """The request, if it is approved and nobody else is at it."""
    free = Adjustment.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).defer("content")
    return free.select_related("proposed_by").filter(pk=pk, state__in=DRIVEN).first()


# Step 2 --------------------------------------------------------------------------------------------------------------


def _step(pk: UUID, after: int, *, now: datetime) -> int | None:
    """The next line after this number. Answers its number, or None when there is nothing more to do now."""
    with acting(WORKER):
        adjustment = _claimed(pk)
        wanted = adjustment and _wanted(adjustment, now)
        line = adjustment and _next(adjustment, wanted, after)
        if not adjustment or not line:
            return None
        try:
            _do(adjustment, line, wanted, now)
        except ledger.Obstacle as obstacle:
            _note(adjustment, str(obstacle), now)
        except Stopped as reason:
            _need_attention(adjustment, str(reason), now)
        else:
            return line.number
        return None


def _next(adjustment: Adjustment, wanted: Outcome, after: int) -> AdjustmentLine | None:
    """To be posted is what nobody has refused; to be fenced, or looked for, is all that is not posted."""
    to_do = {Outcome.WAITING} if wanted == Outcome.POSTED else UNPOSTED
    return adjustment.current_lines().filter(outcome__in=to_do, number__gt=after).first()


def _do(adjustment: Adjustment, line: AdjustmentLine, wanted: Outcome, now: datetime) -> None:
    freeze = holding.freeze_on(line) if wanted == Outcome.POSTED else None
    try:
        answer = _ask_ledger(adjustment, line, Outcome.WAITING if freeze else wanted, now)
    except LineRefused as why:
        _refuse(line, why)
        return
    if freeze and not answer:
        _note(adjustment, holding.sentence(freeze), now)  # the other lines go on
    if answer and _keep(line, answer) and answer.outcome == Outcome.POSTED:
        _settle(adjustment, line, now)


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
        raise LineRefused(str(refusal)) from refusal
    except (IntegrityError, DataError) as error:
        raise LineRefused(_("The ledger refused it: %s") % str(error).strip().splitlines()[0]) from error
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
    if policy_now(adjustment).version != adjustment.policy_version:
        raise Stopped(str(UNDER_ANOTHER_POLICY))
    compare(adjustment, line, correction, cursor)
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


def _keep(line: AdjustmentLine, answer: Answer) -> bool:
    posted_at = answer.at if answer.outcome == Outcome.POSTED else None
    columns = {"outcome": answer.outcome, "receipt": answer.receipt, "posted_at": posted_at}
    unposted = AdjustmentLine.objects.filter(pk=line.pk, outcome__in=UNPOSTED)
    try:
        with transaction.atomic():
            return unposted.update(**columns) == 1
    except IntegrityError as error:
        if not holding.is_late(error):
            raise
        raise Stopped(_("The ledger says that this was posted after it had been frozen. Look at it there.")) from error


def _refuse(line: AdjustmentLine, why: LineRefused) -> None:
    """Kept with its obstacle, and with what the source held where that was not what had been signed."""
    waiting = AdjustmentLine.objects.filter(pk=line.pk, outcome=Outcome.WAITING)
    waiting.update(outcome=Outcome.REFUSED, obstacle=str(why), found=why.found)


def _settle(adjustment: Adjustment, line: AdjustmentLine, now: datetime) -> None:
    """A posted line answers its anomaly, once all that was asked for it is posted; a reversal opens it again."""
    if line.reverses and line.reverses.anomaly:
        original = line.reverses
        triage.unsettle(anomaly=original.anomaly, actor=WORKER, adjustment_id=original.adjustment_id, now=now)
    same = adjustment.current_lines().filter(anomaly=line.anomaly, outcome__in=UNPOSTED)
    if line.anomaly and not same.exists():
        said = {"adjustment_id": adjustment.pk, "occurrence": line.occurrence, "now": now}
        triage.settle(anomaly=line.anomaly, actor=WORKER, **said)


def _note(adjustment: Adjustment, obstacle: str, now: datetime) -> None:
    """It stays as it is and is tried again; the page says what is in the way.

    Looking whether a stopped one was posted after all leaves the reason why it stopped.
    """
    only_looked = adjustment.state == State.NEEDS_ATTENTION and not asked_to_cancel(adjustment)
    told = {} if only_looked else {"obstacle": obstacle}
    Adjustment.objects.filter(pk=adjustment.pk).update(tried_at=now, **told)


def _need_attention(adjustment: Adjustment, reason: str, now: datetime) -> None:
    if adjustment.state == State.NEEDS_ATTENTION:
        _note(adjustment, reason, now)
        return
    move(adjustment, State.NEEDS_ATTENTION, obstacle=reason, tried_at=now, attempt=adjustment.attempt + 1)


# Step 3 --------------------------------------------------------------------------------------------------------------


def _finish(pk: UUID, *, now: datetime) -> None:
    with acting(WORKER):
        adjustment = _claimed(pk)
        outcomes = outcomes_of(adjustment) if adjustment else {}
        if not outcomes or outcomes.get(Outcome.WAITING):
            return
        if outcomes.get(Outcome.REFUSED):
            _refused(adjustment, outcomes, now)
        elif outcomes.get(Outcome.POSTED):
            _applied(adjustment, now)
        else:
            _fenced(adjustment, now)


def _refused(adjustment: Adjustment, outcomes: Mapping[str, int], now: datetime) -> None:
    """All that could be posted is; people must look at the rest."""
    first = adjustment.current_lines().filter(outcome=Outcome.REFUSED).first()
    told = {"posted": outcomes.get(Outcome.POSTED, 0), "all": sum(outcomes.values()), "why": first.obstacle}
    alone = told["all"] == 1
    reason = told["why"] if alone else _("%(posted)d of %(all)d lines are posted. The first refusal: %(why)s") % told
    if adjustment.obstacle != reason and not asked_to_cancel(adjustment):
        _need_attention(adjustment, reason, now)


def _applied(adjustment: Adjustment, now: datetime) -> None:
    move(adjustment, State.APPLIED, applied_at=now, tried_at=now, obstacle="")
    original = adjustment.reverses
    if original and not original.current_lines().filter(outcome=Outcome.POSTED, reversed_at=None).exists():
        Adjustment.objects.filter(pk=original.pk, reversed_at=None).update(reversed_at=now)


def _fenced(adjustment: Adjustment, now: datetime) -> None:
    """Every line has a void key: nothing of this will ever be posted."""
    if asked_to_cancel(adjustment):
        move(adjustment, State.CANCELLED, closed_at=now, obstacle="")
    elif adjustment.state == State.APPROVED and now >= adjustment.apply_by:
        move(adjustment, State.EXPIRED, closed_at=now, obstacle="")
    else:
        _need_attention(adjustment, _("The ledger holds a void key: this was cancelled there. Cancel it here."), now)
