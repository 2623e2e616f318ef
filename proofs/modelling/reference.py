"""How requests should behave, told a second time and as simply as can be: plain values, no database.

Each verb answers what the console should answer: ``DONE``, or the name of the refusal.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

DONE = "done"
APPROVE_WITHIN, APPLY_WITHIN = timedelta(hours=72), timedelta(hours=24)
CLOSED = {"rejected", "withdrawn", "expired", "cancelled"}


@dataclass(frozen=True)
class Policy:
    version: int
    approvals: int


@dataclass
class Request:
    orders: list[int]
    proposer: str
    approve_by: datetime
    policy: Policy
    state: str = "pending"
    revision: int = 1
    hands: set = field(default_factory=set)
    approvals: set = field(default_factory=set)
    asked: dict = field(default_factory=lambda: {"retry": set(), "cancel": set()})
    rejected_by: str = ""
    apply_by: datetime | None = None
    ledger: dict = field(default_factory=dict)  # order -> posted or void


@dataclass
class World:
    now: datetime
    approvers: set
    supporters: set
    policy: Policy = Policy(1, 1)
    frozen: bool = False
    cancelled_orders: set = field(default_factory=set)
    requests: list = field(default_factory=list)

    def may_triage(self, person: str) -> bool:
        return person in self.approvers | self.supporters

    def alive(self, order: int) -> list[Request]:
        return [one for one in self.requests if one.state not in CLOSED and order in one.orders]

    # What people do --------------------------------------------------------------------------------------------------

    def propose(self, orders: list[int], person: str) -> str:
        if not self.may_triage(person):
            return "NotAllowed"
        if len(orders) == 1 and self.alive(orders[0]):
            return "AlreadyProposed"
        request = Request(orders, person, self.now + APPROVE_WITHIN, self.policy, hands={person})
        self.requests.append(request)
        return DONE

    def edit(self, it: Request, person: str, seen: int) -> str:
        if not self.may_triage(person):
            return "NotAllowed"
        if self._is_late(it):
            return "TooLate"
        if seen != it.revision:
            return "Changed"
        self._renew(it)
        it.hands.add(person)
        return DONE

    def approve(self, it: Request, person: str, seen: int) -> str:
        if person in self.approvers and person in it.approvals:
            return DONE  # said already
        if refusal := self._why_not(it, person, seen):
            return refusal
        if self.frozen:
            return "Frozen"
        it.approvals.add(person)
        if len(it.approvals) >= it.policy.approvals:
            it.state, it.apply_by = "approved", self.now + APPLY_WITHIN
        return DONE

    def reject(self, it: Request, person: str, seen: int) -> str:
        if person in self.approvers and person == it.rejected_by:
            return DONE
        refusal = self._why_not(it, person, seen)
        if not refusal:
            it.state, it.rejected_by = "rejected", person
        return refusal or DONE

    def _why_not(self, it: Request, person: str, seen: int) -> str:
        reasons = {
            "NotAllowed": person not in self.approvers,
            "OwnHand": person in it.hands,
            "TooLate": self._is_late(it),
            "Changed": seen != it.revision,
            "TooLate ": person in it.approvals,
        }
        return next((name.strip() for name, holds in reasons.items() if holds), "")

    def _is_late(self, it: Request) -> bool:
        return it.state != "pending" or self.now >= it.approve_by

    def withdraw(self, it: Request, person: str) -> str:
        if person != it.proposer:
            return "NotAllowed"
        if it.state == "withdrawn":
            return DONE
        if self._is_late(it):
            return "TooLate"
        it.state = "withdrawn"
        return DONE

    def ask(self, it: Request, person: str, verdict: str) -> str:
        if it.state not in {"retry": {"needs_attention"}, "cancel": {"approved", "needs_attention"}}[verdict]:
            return "TooLate"
        asked = it.asked[verdict]
        if person in asked:
            return DONE
        if verdict == "retry" and it.policy != self.policy:
            return "Refusal"
        if asked and (person not in self.approvers or {person, *asked} <= it.hands):
            return "NeedsAnother"
        asked.add(person)
        if verdict == "retry" and len(asked) > 1:
            it.state, it.apply_by = "approved", self.now + APPLY_WITHIN
        return DONE

    def change_policy(self, approvals: int) -> None:
        """What waits comes under it: a next revision, which nobody has approved."""
        self.policy = Policy(self.policy.version + 1, approvals)
        for it in self.requests:
            if not self._is_late(it):
                self._renew(it)

    def _renew(self, it: Request) -> None:
        it.revision, it.policy, it.approve_by = it.revision + 1, self.policy, self.now + APPROVE_WITHIN
        it.approvals.clear()

    # What happens by itself ------------------------------------------------------------------------------------------

    def expire(self) -> None:
        for it in self.requests:
            if it.state == "pending" and self.now >= it.approve_by:
                it.state = "expired"

    def is_any_overdue(self) -> bool:
        return any(it.state == "pending" and self.now >= it.approve_by for it in self.requests)

    def drive(self, it: Request, found: dict) -> None:
        """``found`` is what the ledger has afterwards. It decides where a run that met a refusal or was killed got to;
        that it has nothing it should not have, check_ledger says."""
        if it.state not in ("approved", "needs_attention"):
            return
        cancelled = len(it.asked["cancel"]) > 1
        late = it.state == "approved" and self.now >= it.apply_by
        stopped = it.state == "approved" and not (cancelled or late) and self._is_stopped(it)
        it.ledger = found
        if set(found) == set(it.orders):
            ends = {"posted": "applied", "cancelled": "cancelled", "late": "expired"}
            it.state = ends["posted" if "posted" in found.values() else "cancelled" if cancelled else "late"]
        elif stopped:
            it.state = "needs_attention"
            it.asked = {"retry": set(), "cancel": set()}

    def _is_stopped(self, it: Request) -> bool:
        unposted = set(it.orders) - set(it.ledger)
        return not self.frozen and bool(unposted and (it.policy != self.policy or unposted & self.cancelled_orders))

    def check_ledger(self, it: Request, found: dict, *, died: bool) -> None:
        """What a run of the worker may have left in the ledger, and, unless it died, what it must have."""
        cancelled = len(it.asked["cancel"]) > 1
        late = it.state == "approved" and self.now >= it.apply_by
        driven = it.state in ("approved", "needs_attention")
        wanted = {}
        if driven and (cancelled or late):
            wanted = dict.fromkeys(it.orders, "void")
        elif it.state == "approved" and not self.frozen and it.policy == self.policy:
            wanted = dict.fromkeys(set(it.orders) - self.cancelled_orders, "posted")
        may = wanted | it.ledger
        assert found.items() <= may.items(), f"the ledger has {found}, it may have {may}"
        assert it.ledger.items() <= found.items(), f"the ledger had {it.ledger} and has {found}"
        if not died and not self._is_stopped(it):
            assert found == may, f"the ledger has {found}, it should have {may}"
