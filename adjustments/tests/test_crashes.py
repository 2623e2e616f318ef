"""kill -9 at every point of the protocol, on both kinds of ledger: the next run finishes, and posts once.

The worker is a process of its own here, and it is really killed. To show that these tests can see a duplicate, one of
them takes the key away.
"""

import os
import random
import signal
import threading
import time
from datetime import timedelta

import pytest
from django.db import connections

from adjustments import applying, ledger
from adjustments.states import State
from anomalies.models import Anomaly
from audit import log
from audit.models import Entry

pytestmark = pytest.mark.django_db(transaction=True)

POINTS = {
    "before the ledger is asked": (applying, "_ask_ledger", "before"),
    "with the key taken": (ledger, "take_key", "after"),
    "with the row posted": (ledger, "keep_receipt", "before"),
    "with the receipt kept": (ledger, "keep_receipt", "after"),
    "with the ledger committed": (applying, "_keep", "before"),
    "with the receipt in the console": (applying, "_keep", "after"),
    "between the console's two commits": (applying, "_finish", "before"),
    "with the request applied": (applying, "move", "after"),
    "with all of it recorded": (log, "_record_now", "after"),
    "with all of it committed": (applying, "_finish", "after"),
}
HALF_WAY = ("with the key taken", "with the ledger committed", "with the receipt in the console")
LEDGERS = ("paperclips", "kiosk")


@pytest.fixture
def posted(request, now):
    """The ledger's kind -> an approved request, and a way to read what the ledger has."""

    def rows(alias, sql):
        with connections[alias].cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    if request.param == "kiosk":
        adjustment = request.getfixturevalue("drink_approved")
        return adjustment, lambda: rows("kiosk_writer", "select amount from till")
    request.getfixturevalue("key_table")
    adjustment = request.getfixturevalue("approved")
    return adjustment, lambda: rows("paperclips_writer", "select amount from payments")


def die(*arguments, **named):
    os.kill(os.getpid(), signal.SIGKILL)


def dying(module, name, when):
    """Replaces the function by one that is killed before or after doing its work."""
    work = getattr(module, name)

    def and_die(*arguments, **named):
        if when == "after":
            work(*arguments, **named)
        die()

    setattr(module, name, and_die)


def in_a_process_of_its_own(work):
    """How the process ended: 0, or minus the signal."""
    process = os.fork()
    if process == 0:
        for connection in connections.all(initialized_only=True):
            connection.connection = None  # the parent's; this process opens its own
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def recovered(adjustment, now):
    """The next run; the server needs a moment to see that the dead one's connections are gone."""
    for _ in range(100):
        applying.drive(adjustment.pk, now=now + timedelta(minutes=7))
        adjustment.refresh_from_db()
        if adjustment.state == State.APPLIED:
            return adjustment
        time.sleep(0.05)
    return adjustment


def told_once(adjustment):
    return Entry.objects.about("adjustment", adjustment.pk).filter(action_type="adjustment_applied").count() == 1


@pytest.mark.parametrize("posted", LEDGERS, indirect=True)
@pytest.mark.parametrize("point", POINTS)
def test_whoever_dies_there_the_next_run_finishes_once(posted, point, now):
    adjustment, rows = posted

    def work():
        dying(*POINTS[point])
        applying.drive(adjustment.pk, now=now + timedelta(minutes=6))

    assert in_a_process_of_its_own(work) == -signal.SIGKILL

    assert recovered(adjustment, now).state == State.APPLIED
    assert len(rows()) == 1
    assert told_once(adjustment)


@pytest.mark.parametrize("posted", LEDGERS, indirect=True)
def test_whoever_dies_at_random_the_next_run_finishes_once(posted, now):
    adjustment, rows = posted
    chance = random.Random(20261102)

    for _ in range(8):
        after = chance.uniform(0, 0.08)
        in_a_process_of_its_own(lambda after=after: drive_until(adjustment, now, after))

    assert recovered(adjustment, now).state == State.APPLIED
    assert len(rows()) == 1
    assert told_once(adjustment)


def drive_until(adjustment, now, seconds):
    threading.Timer(seconds, die).start()
    applying.drive(adjustment.pk, now=now + timedelta(minutes=6))


@pytest.mark.parametrize("posted", LEDGERS, indirect=True)
def test_without_the_key_these_tests_would_see_the_row_twice(posted, now, monkeypatch):
    adjustment, rows = posted
    monkeypatch.setattr(ledger, "take_key", lambda *arguments, **named: True)

    def work():
        dying(*POINTS["with the ledger committed"])
        applying.drive(adjustment.pk, now=now + timedelta(minutes=6))

    assert in_a_process_of_its_own(work) == -signal.SIGKILL

    recovered(adjustment, now)
    assert len(rows()) == 2


@pytest.mark.parametrize(
    "point", ["with the key taken", "with the ledger committed", "with the receipt in the console"]
)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_whoever_dies_half_way_through_many_lines_loses_and_doubles_none(paid_by_three, key_table, now, point, nth):
    def work():
        dying_at(nth, *POINTS[point])
        applying.drive(paid_by_three.pk, now=now + timedelta(minutes=6))

    assert in_a_process_of_its_own(work) == -signal.SIGKILL

    assert recovered(paid_by_three, now).state == State.APPLIED
    with connections["paperclips_writer"].cursor() as cursor:
        cursor.execute("select order_id from payments order by order_id")
        assert cursor.fetchall() == [(1,), (2,), (3,)]
    assert set(Anomaly.objects.values_list("state", flat=True)) == {"settled"}


def dying_at(nth, module, name, when):
    """Like ``dying``, at the nth call."""
    work, calls = getattr(module, name), iter(range(1, nth))

    def and_die(*arguments, **named):
        if next(calls, None):
            return work(*arguments, **named)
        if when == "after":
            work(*arguments, **named)
        die()

    setattr(module, name, and_die)
