"""Many approvals at once around a cap: what is approved is never above it, and nobody who still fits is refused.

Four approvals start together, each of a request of its own, two by each of two approvers. Sums only grow while the
clock stands, so whoever was refused must go beyond the cap at the end as well: what fits then would have fitted before.
"""

from collections import defaultdict
from datetime import timedelta

import pytest

from accounts.factories import stepped_up
from adjustments import workflow
from adjustments.models import Adjustment, Decision
from adjustments.policies import changes
from adjustments.policies.models import PolicyRule
from adjustments.states import State
from proofs.racing import DONE, Crew
from proofs.shop import Shop
from systems.tests.paperclips.models import Order

pytestmark = pytest.mark.django_db(transaction=True)

ABREAST = 4
LEAST, MOST = 100, 900
CAP = 1_000  # of each customer in a race: about two of four fit


class Customers(Shop):
    """Orders of all sizes; each four of them are one customer's."""

    def __init__(self, *, chance, **given):
        super().__init__(**given)
        self._chance = chance

    def anomalies(self, wanted):
        found = super().anomalies(wanted)
        orders = list(Order.objects.using("paperclips_writer").order_by("id"))
        for place, order in enumerate(orders):
            order.customer, order.total = f"customer {place // ABREAST}", self._chance.randint(LEAST, MOST)
        Order.objects.using("paperclips_writer").bulk_update(orders, ["customer", "total"])
        return found


@pytest.fixture
def approve_abreast(support, approver, second_approver, admin, second_admin, now, chance, seed, progress):
    """Approves that many requests under these caps, four at a time, and gives what each was answered."""

    def approve_abreast(count, **caps):
        terms = {**PolicyRule.objects.current().get().terms, **caps}
        asked = {"kind": "add", "system": "paperclips", "terms": terms, "reason": "A proof.", "now": now}
        changes.confirm(change=changes.ask(**asked, by=admin), by=second_admin, now=now)
        requests = Customers(proposer=support, now=now, chance=chance).requests(count)
        pks = [request.pk for request in requests]

        def actor(place):
            person = (approver, second_approver)[place % 2]

            def approve(track):
                request = Adjustment.objects.get(pk=pks[track * ABREAST + place])
                seen = {"revision": request.revision, "seen": request.content_hash, "now": now + timedelta(minutes=5)}
                workflow.approve(adjustment=request, approver=stepped_up(person, request, seen["now"]), **seen)

            return approve

        answers = []
        with Crew(*[actor(place) for place in range(ABREAST)], seed=seed) as crew:
            for start in progress(range(0, count // ABREAST, 25)):
                answers += crew.race(range(start, min(start + 25, count // ABREAST)))
        return dict(zip(pks, [answer for raced in answers for answer in raced], strict=True))

    return approve_abreast


def hold(answers, cap, key):
    """Never above the cap, nobody refused who fits; how many were approved and how many refused."""
    found = Adjustment.objects.in_bulk(list(answers))
    spoken = dict(Decision.objects.filter(adjustment__in=found).values_list("adjustment_id", "person_id"))
    sums, refused = defaultdict(int), []
    for pk, answer in answers.items():
        assert answer.kind in (DONE, "CapReached"), f"{answer.kind}: {answer.text}"
        assert (found[pk].state == State.APPROVED) == (answer.kind == DONE) == (pk in spoken)
        if answer.kind == DONE:
            sums[key(found[pk], spoken[pk])] += found[pk].amount
        else:
            refused.append(found[pk])
    above = {who: total for who, total in sums.items() if total > cap}
    assert not above, f"above the cap of {cap}: {above}"
    wronged = [one for one in refused if sums[key(one, None)] + one.amount <= cap]
    assert not wronged, f"refused below the cap of {cap}: {wronged}"
    return len(answers) - len(refused), len(refused)


def by_customer(adjustment, _person):
    return adjustment.lines.get().customer


def in_all(_adjustment, _person):
    return ""


@pytest.fixture
def prove_races(approve_abreast):
    def prove(count):
        return hold(approve_abreast(count, customer_cap=CAP), CAP, by_customer)

    return prove


@pytest.mark.proof("caps")
def test_approvals_around_a_cap_never_go_above_it(prove_races, times, figure):
    count = times(full=1_000, small=40)
    approved, refused = prove_races(count)
    figure(f"{count:,} approvals at once around {count // ABREAST:,} caps: {approved:,} approved, {refused:,} refused")
    assert approved
    assert refused


@pytest.mark.proof("the cap of the day")
def test_one_cap_for_all_of_a_day(approve_abreast, times, figure):
    count = times(full=1_000, small=40)
    cap = count * (LEAST + MOST) // 4  # about half of what is asked for
    approved, refused = hold(approve_abreast(count, total_cap=cap, proposer_cap=cap), cap, in_all)
    figure(f"{count:,} approvals at once against one cap: {approved:,} approved, {refused:,} refused, none above it")
    assert approved
    assert refused


@pytest.mark.sensitivity("caps")
def test_without_its_lock_the_cap_would_be_passed(planted, caught, prove_races):
    lock = "perform pg_advisory_xact_lock(hashtextextended('adjustments_caps ' || new.system, 0));"
    planted.body("adjustments_guard_caps", lock, "")
    with caught("caps are counted without a lock", "above the cap"):
        prove_races(40)


@pytest.mark.sensitivity("caps")
def test_a_cap_that_is_not_checked_would_be_caught(planted, caught, prove_races):
    planted.without_trigger("adjustments_adjustment", "adjustments_guard_caps")
    with caught("nothing checks the caps", "above the cap"):
        prove_races(40)
