"""How far the log can be trusted right now: the last verdict, how old it is, and what no anchor holds yet.

Stored rows and the anchor file alone are read; nothing is verified here. What cannot be told is ``UNKNOWN``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from audit import anchors
from audit.models import Entry, Verification
from audit.verification import LIMIT, Anchor, Verdict

STALE = timedelta(hours=3)  # the job verifies hourly


class Trust(StrEnum):
    HELD = "held"
    UNANCHORED = "unanchored"  # intact, but nothing outside of the database says so
    UNKNOWN = "unknown"
    BROKEN = "broken"


@dataclass(frozen=True)
class State:
    head: Anchor
    verification: Verification | None
    anchored: Anchor | None
    tail: int
    tail_since: datetime | None
    now: datetime

    @property
    def trust(self) -> Trust:
        last = self.verification
        if last and last.verdict == Verdict.BROKEN:
            return Trust.BROKEN
        if last is None or last.verdict != Verdict.INTACT or self.now - last.at > STALE:
            return Trust.UNKNOWN
        if anchors.path() is None:
            return Trust.UNANCHORED
        if self.anchored is None or self.anchored.position > self.head.position or self.is_late:
            return Trust.UNKNOWN
        return Trust.HELD

    @property
    def is_late(self) -> bool:
        """No anchor holds the newest entries, although there was time enough."""
        return self.tail_since is not None and self.now - self.tail_since > LIMIT


def state(now: datetime) -> State:
    head, anchored = anchors.head(now), anchors.newest()
    behind = anchored.position if anchored else 0
    first = Entry.objects.filter(position__gt=behind).order_by("position").values_list("at", flat=True).first()
    verification = Verification.objects.order_by("-at", "-id").first()
    return State(head, verification, anchored, max(0, head.position - behind), first, now)
