"""How many people must approve, and by when. Written into each request, so that a change never bends an open one."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Policy:
    """``version`` is part of what is approved: under another version the approvals so far do not hold."""

    version: str
    approvals: int
    approve_within: timedelta
    apply_within: timedelta


HOUSE_POLICY = Policy(
    version="house-1",
    approvals=1,
    approve_within=timedelta(hours=72),
    apply_within=timedelta(hours=24),
)


def policy_for(*, system: str, correction: str, amount: int) -> Policy:
    """What holds for a request of this size; the same for all, until the house says otherwise."""
    return HOUSE_POLICY
