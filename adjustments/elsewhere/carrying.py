"""Which way a request goes: into a ledger (applying.py), through a call, or by a person's hand."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from adjustments.elsewhere import calling, procedure
from adjustments.models import Adjustment
from adjustments.wording import correction_of
from systems.base import CorrectionKind

WAYS: dict[str, Callable[..., None]] = {
    CorrectionKind.REMOTE_CALL: calling.carry_out,
    CorrectionKind.PROCEDURE: procedure.carry_out,
}


def carry_out(pk: UUID, *, now: datetime) -> bool:
    """Takes it as far as it goes now. False when it is a posting, which is for the ledger."""
    correction = correction_of(Adjustment.objects.get(pk=pk))
    way = WAYS.get(correction.kind) if correction else None
    if way is None:
        return False
    way(pk, now=now)
    return True
