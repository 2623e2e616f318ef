"""The purses of one user: which part of a charge each pays, and what of a refund goes back to each.

Free credits are spent first, the earliest expiry before all others, those that never expire after them; paid credits
last. What a refund gives back to a free purse becomes a batch of its own, with the expiry of the one that had paid.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

JAPAN = ZoneInfo("Asia/Tokyo")
MONTHS_UNTIL_EXPIRY = 7  # the end of the sixth month after the one in which a batch was granted


class Purse(models.TextChoices):
    """The source's allocation_kind."""

    PERIOD_LIMITED = "period_limited", gettext_lazy("free, until a date")
    UNLIMITED_BONUS = "unlimited_bonus", gettext_lazy("free, for ever")
    PAID = "paid", gettext_lazy("paid")


FREE = {Purse.PERIOD_LIMITED, Purse.UNLIMITED_BONUS}


class ShortBalance(Exception):
    """The purses do not hold the amount."""


@dataclass
class Batch:
    """Free credits granted together. The source deletes it when used up."""

    id: Any
    amount: int
    remaining: int
    granted_at: datetime
    expire_at: datetime | None
    source: str
    transaction: Any = None

    @property
    def purse(self) -> Purse:
        return Purse.UNLIMITED_BONUS if self.expire_at is None else Purse.PERIOD_LIMITED


@dataclass(frozen=True)
class Part:
    """What one purse paid of a charge."""

    purse: Purse
    amount: int
    batch: Batch | None = None


def parts_of(amount: int, batches: Iterable[Batch], paid: int, now: datetime) -> list[Part]:
    """How a charge of ``amount`` is split. Changes nothing; raises ShortBalance when the purses do not hold it."""
    parts, missing = [], amount
    for batch in sorted(batches, key=_turn):
        taken = min(batch.remaining, missing) if batch.expire_at is None or batch.expire_at > now else 0
        if taken:
            parts.append(Part(batch.purse, taken, batch))
            missing -= taken
    if missing > paid:
        raise ShortBalance(_("%(missing)d credits are missing.") % {"missing": missing - paid})
    return parts + [Part(Purse.PAID, missing)] * (missing > 0)


def totals(parts: Iterable[Part]) -> dict[Purse, int]:
    sums = dict.fromkeys(Purse, 0)
    for part in parts:
        sums[part.purse] += part.amount
    return sums


def split(direction: str, sums: Mapping[Purse, int]) -> dict[str, int]:
    """The keys a ledger row's metadata tells the split by; ``direction`` is ``from`` or ``to``."""
    limited, unlimited = sums[Purse.PERIOD_LIMITED], sums[Purse.UNLIMITED_BONUS]
    return {
        f"{direction}_promo": limited + unlimited,
        f"{direction}_paid": sums[Purse.PAID],
        f"{direction}_period_limited": limited,
        f"{direction}_unlimited_bonus": unlimited,
    }


def expiry(granted_at: datetime) -> datetime:
    """When a batch granted now expires: the last second, in Japan, of the sixth month after this one."""
    local = granted_at.astimezone(JAPAN)
    months = local.month - 1 + MONTHS_UNTIL_EXPIRY
    first = local.replace(
        year=local.year + months // 12, month=months % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
    )
    return (first - timedelta(seconds=1)).astimezone(UTC)


def _turn(batch: Batch) -> tuple[Any, ...]:
    never = datetime.max.replace(tzinfo=UTC)
    return (batch.expire_at or never, batch.granted_at, str(batch.id))
