"""A call to an outside interface, so that it has its effect once although its answer may be lost.

1. The intent is committed: request claimed, freeze and facts checked. From here on nothing is known.
2. The call is made, outside of any transaction, with the line's key as its idempotency key.
3. Whatever the call answered, the other side is read back. Has it: the receipt is kept and the line is posted. Has it
   not: the line may be sent again, with the same key, as long as the other side remembers keys. Cannot be asked: the
   outcome is unknown, and nothing is sent before it is known.

A call that was never intended is cancelled by writing that it never will be. One that was is cancelled only after the
other side said that it has nothing, and after every sender that might still be asleep has given up.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from adjustments import applying, ledger
from adjustments.comparing import LineRefused, compare
from adjustments.content import settled
from adjustments.elsewhere.models import CallState, RemoteCall
from adjustments.freezes import holding
from adjustments.models import Adjustment, AdjustmentLine
from adjustments.policy import UNDER_ANOTHER_POLICY, policy_now
from adjustments.states import UNPOSTED, Outcome
from adjustments.wording import correction_of, label_of
from audit.log import acting
from billingadmin.sql import statement
from systems import registry
from systems.base import Correction, Posting, Refused
from systems.reading import SourceUnavailable, reading

SQL = Path(__file__).with_name("calling.sql")
HAND = timedelta(minutes=2)  # a sender that has not sent by then does not send any more
FENCE = timedelta(minutes=10)  # longer than any sender's time-out: after it, "not there" stays true
MOST_SENDS = 5  # for each time that two people let it be tried
LONGEST_UNKNOWN = timedelta(hours=1)  # then people are called; it goes on being asked

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Sending:
    """What is in a sender's hand: everything that the call is made of, read in the transaction of the intent."""

    call: RemoteCall
    line: AdjustmentLine
    correction: Correction
    posting: Posting
    begun: float


def carry_out(pk: UUID, *, now: datetime) -> None:
    """Every line that waits, each by itself: one whose outcome is unknown does not keep the others."""
    adjustment = Adjustment.objects.get(pk=pk)
    unposted = adjustment.current_lines().filter(outcome__in=UNPOSTED)
    for line in list(unposted.values_list("pk", flat=True)):
        with _no_freeze_meanwhile():
            _bring_on(pk, line, now)


@contextmanager
def _no_freeze_meanwhile() -> Iterator[None]:
    """A freeze waits until the call is made: held by the session, since no transaction is open while it is made."""
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "hold"))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(statement(SQL, "let_go"))


def _bring_on(pk: UUID, line: int, now: datetime) -> None:
    call = RemoteCall.objects.filter(line=line).first()
    if call is None:
        sending = _intend(pk, line, now)
    elif call.state == CallState.REFUSED:
        return _leave_refused(pk, line, call, now)
    elif call.state == CallState.INTENDED and now < call.intended_at + HAND:
        return  # somebody is at it
    else:
        _read_back(pk, line, now)
        sending = _intend_again(pk, line, now)
    if sending and _send(pk, sending, now):
        _read_back(pk, line, now)


# Intending -----------------------------------------------------------------------------------------------------------


def _claim(pk: UUID, line: int) -> tuple[Adjustment, AdjustmentLine] | None:
    adjustment = applying._claimed(pk)
    unposted = adjustment and adjustment.current_lines().filter(pk=line, outcome__in=UNPOSTED).first()
    return (adjustment, unposted) if adjustment and unposted else None


def _intend(pk: UUID, line_pk: int, now: datetime) -> Sending | None:
    with acting(applying.WORKER):
        claimed = _claim(pk, line_pk)
        if not claimed:
            return None
        adjustment, line = claimed
        wanted = applying._wanted(adjustment, now)
        kept = {"line": line, "content_hash": adjustment.content_hash, "first_intended_at": now, "intended_at": now}
        if wanted == Outcome.VOID:
            RemoteCall.objects.create(state=CallState.VOID, send_count=0, **kept)
            applying._keep(line, applying.Answer(outcome=Outcome.VOID, at=now))
        if wanted != Outcome.POSTED or not _may_leave(adjustment, line, now):
            return None
        return _in_hand(adjustment, line, RemoteCall.objects.create(**kept), now)


def _intend_again(pk: UUID, line_pk: int, now: datetime) -> Sending | None:
    """Only what was read back as not there, and only while the other side knows the key."""
    with acting(applying.WORKER):
        claimed = _claim(pk, line_pk)
        call = RemoteCall.objects.filter(line=line_pk, state=CallState.UNSENT).first()
        if not claimed or not call:
            return None
        adjustment, line = claimed
        wanted = applying._wanted(adjustment, now)
        if wanted == Outcome.VOID:
            _fence(adjustment, line, call, now)
        if wanted != Outcome.POSTED or not _may_leave_again(adjustment, line, call, now):
            return None
        unsent = RemoteCall.objects.filter(pk=call.pk, state=CallState.UNSENT, send_count=call.send_count)
        if not unsent.update(state=CallState.INTENDED, send_count=call.send_count + 1, intended_at=now):
            return None
        return _in_hand(adjustment, line, call, now)


def _in_hand(adjustment: Adjustment, line: AdjustmentLine, call: RemoteCall, now: datetime) -> Sending:
    told = applying.posting(adjustment, line, now)
    return Sending(call=call, line=line, correction=_correction(adjustment), posting=told, begun=monotonic())


def _correction(adjustment: Adjustment) -> Correction:
    return registry.get(adjustment.system).correction(adjustment.correction)


def _may_leave(adjustment: Adjustment, line: AdjustmentLine, now: datetime) -> bool:
    """Recordable, not frozen, not refused, and what was signed is what there is. Or it is told what is in the way."""
    if line.outcome == Outcome.REFUSED:
        return False
    if why := ledger.why_unready(now):
        applying._note(adjustment, why, now)
        return False
    if policy_now(adjustment).version != adjustment.policy_version:
        applying._need_attention(adjustment, str(UNDER_ANOTHER_POLICY), now)
        return False
    freeze = holding.freeze_on(line)
    if freeze:
        applying._note(adjustment, holding.sentence(freeze), now)
        return False
    system = registry.get(adjustment.system)
    try:
        with reading(system, now=now) as source, source.connection.cursor() as cursor:
            compare(adjustment, line, _correction(adjustment), cursor, lock=False)
    except LineRefused as why:
        applying._refuse(line, why)
        return False
    except SourceUnavailable as down:
        applying._note(adjustment, f"{system.label}: {down.reason}. {down.remedy}", now)
        return False
    return True


def _may_leave_again(adjustment: Adjustment, line: AdjustmentLine, call: RemoteCall, now: datetime) -> bool:
    remembered = _correction(adjustment).keys_kept
    told = {"system": label_of(adjustment.system), "count": call.send_count}
    if line.outcome == Outcome.REFUSED:
        return False
    if remembered is None or now >= call.first_intended_at + remembered - HAND:
        why = _("It was sent %(count)d times and is not there, and %(system)s may not know its key any more.")
        then = _("Look there; cancel it, and propose it again.")
        applying._refuse(line, LineRefused(f"{why % told} {then}"))
    elif call.send_count >= MOST_SENDS * (adjustment.attempt + 1):
        why = _("It was sent %(count)d times, and %(system)s still says that it is not there.")
        applying._refuse(line, LineRefused(why % told))
    elif now >= call.intended_at + patience(call.send_count):
        return _may_leave(adjustment, line, now)
    return False


def patience(sends: int) -> timedelta:
    """Before it is sent again: one minute, then two, four, eight."""
    return timedelta(minutes=2 ** (sends - 1))


def _fence(adjustment: Adjustment, line: AdjustmentLine, call: RemoteCall, now: datetime) -> None:
    """It is not there, and nobody can be about to send it: now it never will be."""
    if now < call.intended_at + FENCE or call.asked_at is None or call.asked_at < call.intended_at + FENCE:
        return applying._note(adjustment, _("It is cancelled when no sender can be on its way any more."), now)
    RemoteCall.objects.filter(pk=call.pk, state=CallState.UNSENT).update(state=CallState.VOID)
    applying._keep(line, applying.Answer(outcome=Outcome.VOID, at=now))


# Sending and asking --------------------------------------------------------------------------------------------------


def _send(pk: UUID, sending: Sending, now: datetime) -> bool:
    """Whether there may be something to read back."""
    if monotonic() - sending.begun > HAND.total_seconds():
        return False  # it slept: by now somebody else may have cancelled it
    try:
        sending.correction.send(sending.line.as_line(), sending.posting)
    except Refused as refusal:
        _refused(pk, sending, str(refusal))
        return False
    except Exception as error:
        logger.warning("The call for line %s gave no answer that counts: %s", sending.line.pk, error)
        _learn(sending.line.pk, state=CallState.UNKNOWN, error=_told(error))
    return True


def _refused(pk: UUID, sending: Sending, why: str) -> None:
    with acting(applying.WORKER):
        _learn(sending.line.pk, state=CallState.REFUSED, error=why)
        if _claim(pk, sending.line.pk):
            applying._refuse(sending.line, LineRefused(why))


def _leave_refused(pk: UUID, line_pk: int, call: RemoteCall, now: datetime) -> None:
    """A refusal is for good: it is cancelled, or told again when two people have it tried again."""
    with acting(applying.WORKER):
        claimed = _claim(pk, line_pk)
        wanted = applying._wanted(claimed[0], now) if claimed else Outcome.WAITING
        if claimed and wanted == Outcome.VOID:
            applying._keep(claimed[1], applying.Answer(outcome=Outcome.VOID, at=now))
        elif claimed and wanted == Outcome.POSTED:
            applying._refuse(claimed[1], LineRefused(call.error))


def _read_back(pk: UUID, line_pk: int, now: datetime) -> None:
    line = AdjustmentLine.objects.select_related("adjustment").get(pk=line_pk)
    correction = correction_of(line.adjustment)
    try:
        receipt = correction.read_back(line.as_line(), line.key)
    except Exception as error:
        logger.warning("Line %s could not be read back: %s", line.pk, error)
        return _unknown(pk, line, error, now)
    if receipt is None:
        _learn(line.pk, state=CallState.UNSENT, asked_at=now)
    else:
        _posted(pk, line, settled(receipt), now)


def _posted(pk: UUID, line: AdjustmentLine, receipt: dict[str, Any], now: datetime) -> None:
    """Noted as of the sending: that is when it happened, also when a freeze has come since."""
    with acting(applying.WORKER):
        adjustment = applying._claimed(pk)
        if not adjustment:
            return
        at = RemoteCall.objects.get(line=line).intended_at
        _learn(line.pk, state=CallState.DONE, asked_at=now, error="")
        try:
            if applying._keep(line, applying.Answer(outcome=Outcome.POSTED, at=at, receipt=receipt)):
                applying._settle(adjustment, line, now)
        except applying.Stopped as reason:
            applying._need_attention(adjustment, str(reason), now)


def _unknown(pk: UUID, line: AdjustmentLine, error: Exception, now: datetime) -> None:
    _learn(line.pk, state=CallState.UNKNOWN, error=_told(error))
    with acting(applying.WORKER):
        adjustment = applying._claimed(pk)
        if not adjustment:
            return
        why = _("Whether %(system)s did it is not known: %(reason)s. Nothing is sent again before it answers.")
        why %= {"system": label_of(adjustment.system), "reason": _told(error)}
        is_long = now >= RemoteCall.objects.get(line=line).intended_at + LONGEST_UNKNOWN
        (applying._need_attention if is_long else applying._note)(adjustment, why, now)


def _learn(line: int, **columns: Any) -> None:
    """What is known for good stays."""
    open_ones = [CallState.INTENDED, CallState.UNKNOWN, CallState.UNSENT]
    RemoteCall.objects.filter(line=line, state__in=open_ones).update(**columns)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".replace("\x00", "")[:500]
