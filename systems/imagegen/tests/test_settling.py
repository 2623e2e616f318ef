"""What the rules say before and after a posting."""

import pytest

from systems import facts
from systems.imagegen.factories import (
    USER,
    BatchFactory,
    ConsumptionFactory,
    CreditsFactory,
    JobFactory,
    RefundFactory,
)
from systems.imagegen.models import CreditTransaction
from systems.imagegen.system import SYSTEM
from systems.imagegen.tests.conftest import NOW
from systems.imagegen.tests.postings import adds_up, draft, keyed, post
from systems.reading import reading

pytestmark = pytest.mark.django_db


def found(job):
    """Every rule that finds something about the job, or about a ledger row of its user."""
    rows = CreditTransaction.objects.filter(user_id=job.user_id).values_list("id", flat=True)
    subjects = [str(job.id), *map(str, rows)]
    with reading(SYSTEM, now=NOW) as source:
        judged = [facts.judge(SYSTEM, source, of, subjects) for of in SYSTEM.facts]
        return sorted({finding.rule for findings in judged for finding in findings})


def test_a_posted_refund_leaves_nothing_to_find(source):
    job = JobFactory(failed=True)
    ConsumptionFactory(job=job, amount=-50)
    CreditsFactory(paid_balance=5)
    assert found(job) == ["consumption_without_refund_for_failed_job"]

    post("post_refund", draft(source, "post_refund", job)[0])

    assert found(job) == []
    assert adds_up(USER)


def test_a_posted_charge_leaves_nothing_to_find(source):
    job = JobFactory(succeeded=True)
    CreditsFactory(paid_balance=5, free=100)
    BatchFactory()
    assert found(job) == ["succeeded_job_without_consumption"]

    post("post_consumption", draft(source, "post_consumption", job)[0])

    assert found(job) == []
    assert adds_up(USER)


def test_a_refund_taken_back_shows_for_ever_and_opens_nothing_else(source):
    """The ledger keeps both rows, and the source's own function goes by the refund: the adjustment settles it."""
    job = JobFactory(succeeded=True)
    ConsumptionFactory(job=job)
    RefundFactory(job=job, told=True)
    CreditsFactory(paid_balance=50)
    assert found(job) == ["refund_for_succeeded_job"]

    post("take_back_refund", draft(source, "take_back_refund", job)[0])

    assert found(job) == ["refund_for_succeeded_job"]
    assert adds_up(USER)


def test_giving_back_opens_nothing(source):
    job = JobFactory(succeeded=True)
    CreditsFactory(paid_balance=50)
    post("post_consumption", draft(source, "post_consumption", job)[0])

    post("give_back", draft(source, "give_back", job)[0], keyed(2))

    assert found(job) == []
    assert adds_up(USER)


@pytest.mark.parametrize(
    ("code", "rules"),
    [
        ("post_refund", {"consumption_without_refund_for_failed_job"}),
        ("post_consumption", {"succeeded_job_without_consumption"}),
        ("take_back_refund", {"refund_for_succeeded_job", "refund_without_consumption"}),
        ("give_back", set()),
    ],
)
def test_each_correction_answers_the_rules_it_was_made_for(code, rules):
    assert set(SYSTEM.correction(code).answers) == rules
    assert rules <= {rule.code for rule in SYSTEM.rules}
