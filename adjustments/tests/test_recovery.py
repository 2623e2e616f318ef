"""An error nobody knows is tried again with growing patience, and then people are called."""

from datetime import timedelta

import pytest

from adjustments import applying, recovery, tasks
from adjustments.states import State
from jobs import queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def fail(approved, now):
    """The task meets an error nobody knows; ``minutes`` after the proposal."""

    def fail(minutes):
        recovery.failed(approved.pk, RuntimeError("order 7 of Mrs Sato"), now=now + timedelta(minutes=minutes))
        approved.refresh_from_db()
        return approved

    return fail


def test_it_says_what_happened_and_not_whose_it_was(fail):
    told = fail(6)

    assert (told.state, told.error_count) == (State.APPROVED, 1)
    assert told.obstacle == "The worker met an error it does not know (RuntimeError); its log says more."


def test_patience_grows_to_an_hour():
    minutes = [recovery.patience(errors) / timedelta(minutes=1) for errors in range(9)]

    assert minutes == [1, 1, 2, 4, 8, 16, 32, 60, 60]


def test_the_recovery_waits_as_long(fail, approved, now):
    for minutes in (6, 7, 9):
        fail(minutes)

    assert recovery._unfinished(now + timedelta(minutes=12)) == []
    assert recovery._unfinished(now + timedelta(minutes=13)) == [approved.pk]


def test_after_too_many_people_are_called(fail):
    for minute in range(recovery.MOST_ERRORS):
        told = fail(6 + minute)

    assert told.state == State.NEEDS_ATTENTION
    assert told.obstacle.endswith("It was tried 8 times.")


def test_an_obstacle_with_a_name_is_tried_for_as_long_as_it_takes(approved, now):
    """No key table: nothing is posted, and nobody is called for what mends itself."""
    for minute in range(20):
        applying.drive(approved.pk, now=now + timedelta(minutes=6 + minute))

    approved.refresh_from_db()
    assert (approved.state, approved.error_count) == (State.APPROVED, 0)


def test_the_task_keeps_the_error_for_its_log(approved, monkeypatch):
    monkeypatch.setattr(applying, "drive", lambda pk, now: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        tasks.apply(str(approved.pk))

    approved.refresh_from_db()
    assert "ZeroDivisionError" in approved.obstacle


def test_the_recovery_asks_the_worker(approved, now):
    recovery.recover(now + timedelta(hours=1))

    assert queue.pending("adjustments.apply", adjustment=str(approved.pk))
