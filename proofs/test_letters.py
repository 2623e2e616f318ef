"""Whoever is killed while sending letters loses none, and gives none a second Message-ID.

The sender is a process that is really killed, the mail server one that really listens. A letter may arrive twice when
the kill falls between the server's taking it and our noting it: then under the same id, by which readers know it.
"""

import os
import signal
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from jobs import letters
from jobs.models import Letter, LetterState
from jobs.tests.mailbox import open_mailbox

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
EACH = 4  # letters written before each kill


@pytest.fixture
def mailbox(settings):
    settings.LETTER_FOOTERS = ()
    with open_mailbox(settings) as server:
        yield server


@pytest.fixture
def prove(mailbox, chance, progress, figure):
    def prove(kills):
        longest, now = how_long_it_takes(), NOW
        for number in progress(range(kills)):
            write(number, now)
            send_in_a_process(now, kill_after=chance.uniform(0, longest))
            now += letters.HAND + timedelta(seconds=1)
        finish(now)
        told(mailbox, kills, figure)

    return prove


def write(number, now):
    for one in range(EACH):
        said = {"subject": f"#{number}", "body": "Decided.", "now": now}
        letters.write(to=["mei@example.com"], key=f"decision {number}.{one}", **said)


def how_long_it_takes():
    """A pass that nobody kills, so that the kills fall within one, on whatever machine."""
    write("unhurried", NOW)
    begun = time.monotonic()
    send_in_a_process(NOW)
    return time.monotonic() - begun


def send_in_a_process(now, kill_after=None):
    process = os.fork()
    if process == 0:
        for connection in connections.all(initialized_only=True):
            connection.connection = None  # the parent's; this process opens its own
        try:
            letters.deliver(now)
        finally:
            os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def finish(now):
    for _ in range(1000):
        if not Letter.objects.written().exists():
            return
        letters.deliver(now)
        now += letters.HAND + timedelta(seconds=1)


def told(mailbox, kills, figure):
    arrived = Counter(mailbox.ids())
    known = set(Letter.objects.values_list("message_id", flat=True))
    lost, strange = len(known - arrived.keys()), len(arrived.keys() - known)
    again = sum(count - 1 for count in arrived.values())
    text = f"{kills:,} kills, {len(known):,} letters: {lost} lost, {strange} under a second id, {again} repeated"
    figure(f"{text} under their own")
    assert not lost, f"{lost} letters were lost"
    assert not strange, f"{strange} letters came under a second id"
    assert Letter.objects.filter(state=LetterState.SENT).count() == len(known)


@pytest.mark.proof("letters")
def test_killed_while_sending_none_is_lost_and_none_gets_a_second_id(prove, times):
    prove(times(full=300, small=8))


@pytest.mark.sensitivity("letters")
def test_a_sender_that_notes_before_it_sends_would_be_caught(prove, planted, caught, times):
    hand_over = letters._hand_over

    def noted_first(letter, server):
        Letter.objects.filter(pk=letter.pk).update(state=LetterState.SENT, sent_at=letter.written_at)
        time.sleep(0.01)
        hand_over(letter, server)

    planted.function(letters, "_hand_over", noted_first)
    with caught("noted as sent before it is sent", match="were lost"):
        prove(times(full=60, small=30))


@pytest.mark.sensitivity("letters")
def test_an_id_of_each_sending_would_be_caught(prove, planted, caught, times):
    message = letters.message

    def with_an_id_of_its_own(letter, server=None):
        letter.message_id = f"<{uuid.uuid4()}@localhost>"
        return message(letter, server)

    planted.function(letters, "message", with_an_id_of_its_own)
    with caught("an id made for each sending", match="lost|second id"):
        prove(times(full=20, small=3))
