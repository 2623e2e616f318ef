"""How many people must approve, up to what, and by when: the one question, asked of the rules that are in force.

The answer's version is written into each request and signed with it: a change of policy never bends an open one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.db.models.functions import Abs
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adjustments.policies.models import CAPS, TERMS, PolicyRule
from adjustments.policies.rules import most_specific

UNDER_ANOTHER_POLICY = gettext_lazy(
    "The policy has changed since this was approved, and what was approved then does not hold now. "
    "Cancel it, which takes two people, and propose it again."
)


class NoPolicy(LookupError):
    """There is not even the rule for everything. The database keeps that from happening."""


class TooShort(ValueError):
    """The reason is shorter than the policy asks for. The text says so, to the person who wrote it."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """``version`` is part of what is approved: under another version the approvals so far do not hold.

    Caps are in the smallest unit, None where there is none; all but ``line_cap`` count what was approved in 24 hours.
    """

    version: str
    approvals: int
    approve_within: timedelta
    apply_within: timedelta
    notice: timedelta
    approver_reason: bool = False
    reason_length: int = 1
    line_cap: int | None = None
    proposer_cap: int | None = None
    approver_cap: int | None = None
    customer_cap: int | None = None
    total_cap: int | None = None
    system: str = ""  # where the rule holds: what its caps count
    correction: str = ""

    @property
    def has_caps(self) -> bool:
        return any(getattr(self, cap) is not None for cap in CAPS)

    def refuse_short(self, reason: str) -> None:
        if len(reason.strip()) < self.reason_length:
            least = ngettext(
                "The policy asks for a reason of at least %(count)d character; this one has %(written)d.",
                "The policy asks for a reason of at least %(count)d characters; this one has %(written)d.",
                self.reason_length,
            )
            raise TooShort(least % {"count": self.reason_length, "written": len(reason.strip())})


def policy_of(rule: PolicyRule) -> Policy:
    terms: dict[str, Any] = {name: getattr(rule, name) for name in TERMS}
    return Policy(version=rule.version, system=rule.system, correction=rule.correction, **terms)


def policy_for(*, system: str, correction: str, amount: int) -> Policy:
    """What holds for a request of this size: of several lines, their amounts without signs (``size_of``)."""
    rules = PolicyRule.objects.current().filter(system__in=("", system))
    rule = most_specific(rules, system=system, correction=correction, amount=amount)
    if rule is None:
        raise NoPolicy(_("There is no rule for this; nothing can be approved."))
    return policy_of(rule)


def policy_now(adjustment: Any) -> Policy:
    """What holds now for a request as it stands, which need not be what it was signed under."""
    size = _size_approved(adjustment.pk, adjustment.revision) if adjustment.approved_at else _size(adjustment)
    return policy_for(system=adjustment.system, correction=adjustment.correction, amount=size)


def _size(adjustment: Any) -> int:
    return adjustment.current_lines().aggregate(size=Sum(Abs("amount")))["size"] or 0


@lru_cache(maxsize=64)
def _size_approved(pk: UUID, revision: int) -> int:
    """Lines of what was approved never change: they are summed once, and not for each of a thousand."""
    from adjustments.models import Adjustment  # which needs the policy first

    return _size(Adjustment(pk=pk, revision=revision))


def size_of(amounts: Iterable[int]) -> int:
    """Each amount without its sign, so that what goes in cannot hide what goes out."""
    return sum(map(abs, amounts))
