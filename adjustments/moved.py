"""What changed in the source since a request was signed, asked when an approver opens it. Nothing is locked.

It informs and refuses nothing: the worker compares again under lock, and posts no line of which anything has moved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adjustments.content import Change, evidence_changes, settled
from adjustments.models import Adjustment, AdjustmentLine
from systems import registry
from systems.base import Correction
from systems.reading import reading


@dataclass(frozen=True, kw_only=True)
class Moved:
    """``changes`` is empty when the source no longer has what the line rests on."""

    line: AdjustmentLine
    changes: Sequence[Change]


def since_signed(adjustment: Adjustment, *, now: datetime) -> list[Moved]:
    """The lines of which the source now says something else. Raises systems.reading.SourceUnavailable."""
    system = registry.get(adjustment.system)
    correction = system.correction(adjustment.correction)
    lines = list(adjustment.current_lines())
    with reading(system, now=now) as source, source.connection.cursor() as cursor:
        found = [_moved(correction, line, cursor) for line in lines]
    return [one for one in found if one]


def _moved(correction: Correction, line: AdjustmentLine, cursor: Any) -> Moved | None:
    evidence = correction.evidence(cursor, line.as_line(), False)
    if evidence is None:
        return Moved(line=line, changes=[])
    changes = evidence_changes(line.subject, line.evidence, settled(evidence))
    return Moved(line=line, changes=changes) if changes else None
