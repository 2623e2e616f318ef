"""The audit entries of an adjustment, all told in the same way. Each is the last statement of its transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from adjustments.models import Adjustment, AdjustmentLine
from audit.log import Actor, record

LINES_SHOWN = 100  # in an entry; the request itself keeps them all


def record_move(
    adjustment: Adjustment,
    *,
    actor: Actor,
    verb: str,
    before: str,
    reason: str = "",
    outcome: str = "done",
    metadata: Mapping[str, Any] | None = None,
) -> int:
    lines = list(adjustment.current_lines()[:LINES_SHOWN])
    return record(
        actor=actor,
        action_type=f"adjustment_{verb}",
        target_type="adjustment",
        target_id=str(adjustment.pk),
        outcome=outcome,
        reason=reason or adjustment.reason,
        job_id=_named(lines, "job_id"),
        tx_id=_named(lines, "tx_id"),
        system=adjustment.system,
        correlation_id=adjustment.correlation_id,
        metadata=_told(adjustment, lines, before) | dict(metadata or {}),
    )


def _told(adjustment: Adjustment, lines: Sequence[AdjustmentLine], before: str) -> dict[str, Any]:
    return {
        "number": adjustment.number,
        "correction": adjustment.correction,
        "subject": adjustment.subject,
        "amount": adjustment.amount,
        "unit": adjustment.unit,
        "revision": adjustment.revision,
        "content_hash": adjustment.content_hash,
        "before": {"state": before or None},
        "after": {"state": adjustment.state},
        "lines": [_line(line) for line in lines],
    }


def _line(line: AdjustmentLine) -> dict[str, Any]:
    told = {"key": str(line.key), "subject": line.subject, "amount": line.amount, "outcome": line.outcome}
    return told | {"particulars": line.particulars} | ({"receipt": line.receipt} if line.receipt is not None else {})


def _named(lines: Sequence[AdjustmentLine], name: str) -> str:
    """What the lines name; the transaction that a posting made counts too, once there is one."""
    named = [line.particulars.get(name) or (line.receipt or {}).get(name) for line in lines]
    return ", ".join(dict.fromkeys(str(one) for one in named if one))


def record_refusal(adjustment: Adjustment, *, actor: Actor, verb: str, why: str) -> None:
    """Somebody tried what is not theirs to do."""
    with transaction.atomic():
        record_move(adjustment, actor=actor, verb=verb, before=adjustment.state, reason=why, outcome="refused")
