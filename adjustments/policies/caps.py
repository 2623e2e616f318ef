"""How much may still be approved today, and the sentence for who would go beyond it.

The database counts and refuses (migrations/*_caps.sql); this reads the same figures for people, before they propose or
decide, and after a refusal. "Today" is the last 24 hours: each approval frees its amount a day later.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adjustments.models import Adjustment
from adjustments.policy import Policy, policy_now, size_of
from adjustments.standing import Refusal
from adjustments.states import Verdict
from billingadmin.amounts import Amount
from billingadmin.sql import statement

SQL = Path(__file__).with_name("policies.sql")
DAY = timedelta(hours=24)
BEYOND_CAPS = ("adjustment_within_caps", "line_within_its_cap")
LABELS = {
    "total": gettext_lazy("in all"),
    "proposer": gettext_lazy("proposed by %(who)s"),
    "approver": gettext_lazy("approved by %(who)s"),
    "customer": gettext_lazy("for customer %(who)s"),
}


class CapReached(Refusal):
    """It would go beyond a cap. The text names the cap, what is used and left, and when enough frees up."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who would move how much, for whom: what the caps are held against. The names are for the reader."""

    system: str
    unit: str
    amounts: Sequence[int]
    customers: Mapping[str, int]
    proposer: int
    approvers: Sequence[int] = ()
    names: Mapping[int, str]
    but_not: UUID | None = None

    @property
    def size(self) -> int:
        return size_of(self.amounts)


@dataclass(frozen=True, kw_only=True)
class Left:
    """One cap of the day, as it stands for one asking."""

    kind: str
    who: str
    cap: int
    asked: int
    unit: str
    uses: Sequence[tuple[datetime, int]]  # oldest first

    @cached_property
    def used(self) -> int:
        return sum(size for _at, size in self.uses)

    @property
    def left(self) -> int:
        return max(self.cap - self.used, 0)

    @property
    def fits(self) -> bool:
        return self.asked <= self.left

    @property
    def frees_at(self) -> datetime | None:
        """When enough of it will be free; None when it is now, or never will be."""
        used = self.used
        for at, size in self.uses if self.asked <= self.cap and not self.fits else ():
            used -= size
            if used + self.asked <= self.cap:
                return at + DAY
        return None

    @property
    def label(self) -> str:
        return str(LABELS[self.kind]) % {"who": self.who}

    @property
    def sentence(self) -> str:
        told = {name: str(Amount(getattr(self, name), self.unit)) for name in ("cap", "used", "left", "asked")}
        told["label"] = self.label
        if self.asked > self.cap:
            return _("At most %(cap)s may be approved within 24 hours (%(label)s); this asks for %(asked)s.") % told
        beyond = _(
            "At most %(cap)s may be approved within 24 hours (%(label)s): %(used)s are used, %(left)s are left, "
            "and this asks for %(asked)s."
        )
        told["at"] = date_format(localtime(self.frees_at), "Y-m-d H:i") if self.frees_at else ""
        return f"{beyond % told} " + (_("Enough of it frees up at %(at)s.") % told)


# What is asked -------------------------------------------------------------------------------------------------------


def asking_of(adjustment: Adjustment, approver: Any = None) -> Asking:
    """A request as it stands, with those who approved it so far and, where given, whoever would be next."""
    lines = list(adjustment.current_lines())
    said = adjustment.decisions.filter(revision=adjustment.revision, verdict=Verdict.APPROVE).select_related("person")
    people = {one.person_id: one.person.name for one in said} | ({approver.pk: approver.name} if approver else {})
    return Asking(
        system=adjustment.system,
        unit=adjustment.unit,
        amounts=[line.amount for line in lines],
        customers=_by_customer((line.customer, line.amount) for line in lines),
        proposer=adjustment.proposed_by_id,
        approvers=list(people),
        names={**people, adjustment.proposed_by_id: adjustment.proposed_by.name},
        but_not=adjustment.pk,
    )


def asking_to_propose(drafted: Any, proposer: Any) -> Asking:
    return Asking(
        system=drafted.target.system.slug,
        unit=drafted.unit,
        amounts=[entry.line.amount for entry in drafted.entries],
        customers=_by_customer((entry.customer, entry.line.amount) for entry in drafted.entries),
        proposer=proposer.pk,
        names={proposer.pk: proposer.name},
    )


def _by_customer(amounts: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for customer, amount in amounts:
        if customer:
            found[customer.lower()] += abs(amount)
    return found


# What is left --------------------------------------------------------------------------------------------------------


def lefts(policy: Policy, asking: Asking, now: datetime) -> list[Left]:
    """Every cap of the day that this asking meets, the customers' only where little is left."""
    wanted = list(_wanted(policy, asking))
    uses = _uses(policy, asking, now) if wanted else {}
    found = [
        Left(kind=kind, who=name, cap=cap, asked=size, unit=asking.unit, uses=uses.get((kind, who), []))
        for kind, who, name, cap, size in wanted
    ]
    return [one for one in found if one.kind != "customer" or not one.fits or len(asking.customers) == 1]


def _wanted(policy: Policy, asking: Asking) -> Iterator[tuple[str, str, str, int, int]]:
    if policy.total_cap is not None:
        yield "total", "", "", policy.total_cap, asking.size
    if policy.proposer_cap is not None:
        yield "proposer", str(asking.proposer), asking.names[asking.proposer], policy.proposer_cap, asking.size
    if policy.approver_cap is not None:
        for one in asking.approvers:
            yield "approver", str(one), asking.names[one], policy.approver_cap, asking.size
    if policy.customer_cap is not None:
        for customer, size in asking.customers.items():
            yield "customer", customer, customer, policy.customer_cap, size


def _uses(policy: Policy, asking: Asking, now: datetime) -> dict[tuple[str, str], list[tuple[datetime, int]]]:
    asked = {"system": asking.system, "correction": policy.correction, "unit": asking.unit, "since": now - DAY}
    asked |= {"but_not": asking.but_not, "proposer": asking.proposer}
    asked |= {"approvers": list(asking.approvers), "customers": list(asking.customers)}
    found: dict[tuple[str, str], list[tuple[datetime, int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "uses"), asked)
        for kind, who, at, size in cursor.fetchall():
            found.setdefault((kind, who), []).append((at, size))
    return found


def why_never(policy: Policy, asking: Asking) -> str:
    """Why nobody could ever approve it under this policy, or nothing."""
    largest = max(map(abs, asking.amounts), default=0)
    if policy.line_cap is not None and largest > policy.line_cap:
        told = {"cap": str(Amount(policy.line_cap, asking.unit)), "asked": str(Amount(largest, asking.unit))}
        return _("A line may move at most %(cap)s; the largest of these moves %(asked)s.") % told
    beyond = [one for one in _capped(policy, asking) if one.asked > one.cap]
    return beyond[0].sentence if beyond else ""


def _capped(policy: Policy, asking: Asking) -> list[Left]:
    return [
        Left(kind=kind, who=name, cap=cap, asked=size, unit=asking.unit, uses=())
        for kind, _who, name, cap, size in _wanted(policy, asking)
    ]


def refuse_impossible(policy: Policy, asking: Asking) -> None:
    if why := why_never(policy, asking):
        raise CapReached(why)


@contextmanager
def within_caps(adjustment: Adjustment, now: datetime) -> Iterator[None]:
    """For the move to approved: what the database refuses becomes a CapReached with its sentence."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if error.__cause__.diag.constraint_name not in BEYOND_CAPS:
            raise
        raise CapReached(_sentence(adjustment, now)) from error


def _sentence(adjustment: Adjustment, now: datetime) -> str:
    policy, asking = policy_now(adjustment), asking_of(adjustment)
    beyond = [one.sentence for one in lefts(policy, asking, now) if not one.fits]
    return why_never(policy, asking) or next(
        iter(beyond), _("Just now this was beyond a cap of the day. Try it again.")
    )
