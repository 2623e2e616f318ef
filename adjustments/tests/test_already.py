"""One thing that gave two lines, of which one was posted and the other fenced: the rest may be asked for, once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adjustments import applying, drafting, workflow
from adjustments.models import Adjustment
from adjustments.states import Outcome, State
from systems.base import Line
from systems.tests.paperclips.models import Payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid_in(target):
    """The same thing asked for, where the source gives these instalments."""

    def paid_in(*instalments):
        lines = [
            Line(subject="7", amount=500, unit="JPY", particulars={"order_id": "7", "instalment": str(one)})
            for one in instalments
        ]
        return replace(target, correction=replace(target.correction, draft=lambda source, subject: lines))

    return paid_in


@pytest.fixture
def half_posted(paid_in, propose, approve, support, approver, key_table, now):
    approved = approve(propose(paid_in(1, 2), support), approver)
    applying._step(approved.pk, 0, now=now + timedelta(minutes=6))
    applying.drive(approved.pk, now=approved.apply_by)
    return Adjustment.objects.get(pk=approved.pk)


def test_the_rest_of_what_was_posted_in_part_is_asked_for_and_settles(
    half_posted, paid_in, propose, approve, support, approver, anomaly
):
    assert half_posted.state == State.APPLIED
    assert [line.outcome for line in half_posted.current_lines()] == [Outcome.POSTED, Outcome.VOID]
    at = half_posted.applied_at + timedelta(minutes=1)

    rest = propose(paid_in(2), support, at=at)
    applying.drive(approve(rest, approver, at=at).pk, now=at)

    assert rest.lines.get().fingerprint == f"{anomaly.fingerprint} #2"
    assert Payment.objects.count() == 2
    anomaly.refresh_from_db()
    assert anomaly.state == "settled"


def test_the_rest_is_asked_for_once(half_posted, paid_in, propose, support):
    propose(paid_in(2), support)

    with pytest.raises(workflow.AlreadyProposed):
        propose(paid_in(2), support)


def test_what_was_posted_is_not_asked_for_again_with_the_rest(half_posted, paid_in, propose, support):
    with pytest.raises(drafting.Undraftable, match="only 1 were left"):
        propose(paid_in(1, 2), support)


def test_nothing_is_left_when_the_rest_was_posted(half_posted, paid_in, propose, approve, support, approver):
    at = half_posted.applied_at + timedelta(minutes=1)
    applying.drive(approve(propose(paid_in(2), support, at=at), approver, at=at).pk, now=at)

    with pytest.raises(workflow.AlreadyProposed):
        propose(paid_in(2), support, at=at)
