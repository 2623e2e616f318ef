"""Letters: written with what they tell, sent once the server takes them, and never told twice."""

import os
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, connections, transaction
from django.urls import reverse

from jobs import letters
from jobs.models import Letter, LetterState
from jobs.tests.mailbox import open_mailbox

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
NO_SERVER = "django.core.mail.backends.console.EmailBackend"


@pytest.fixture
def mailbox(settings):
    with open_mailbox(settings) as server:
        yield server


def write(key="decision 1", to=("mei@example.com",), **more):
    said = {"subject": "#7 was approved", "body": "500 JPY.", "now": NOW}
    return letters.write(key=key, to=to, **{**said, **more})


def signed(letter):
    return f"head of {letter.to}"


def broken(letter):
    raise RuntimeError("no head")


def only():
    return Letter.objects.get()


def test_a_letter_is_sent_with_an_id_made_from_its_key(mailbox):
    write()

    assert letters.deliver(NOW) == "1 letters sent."

    (taken,) = mailbox.taken
    assert (taken["To"], taken["Subject"]) == ("mei@example.com", "#7 was approved")
    assert taken["Message-ID"] == only().message_id
    assert taken["Auto-Submitted"] == "auto-generated"
    assert taken.get_content().startswith("500 JPY.\n\nbillingadmin-audit-anchor 1\n")
    assert (only().state, only().attempt_count) == (LetterState.SENT, 1)


def test_nothing_is_sent_a_second_time(mailbox):
    write()
    letters.deliver(NOW)

    letters.deliver(NOW + timedelta(days=1))

    assert len(mailbox.taken) == 1


def test_the_same_is_not_written_twice_to_the_same_person():
    assert write(to=["mei@example.com", "mei@example.com", "", "ken@example.com"]) == 2
    assert write(to=["mei@example.com", "aya@example.com"]) == 1

    assert Letter.objects.count() == 3


def test_the_database_keeps_a_second_one_out():
    write()
    again = only()
    again.pk, again.message_id = None, "<another@localhost>"

    with pytest.raises(IntegrityError, match="letter_once"), transaction.atomic():
        again.save()


def test_what_did_not_happen_is_told_to_nobody(mailbox):
    with transaction.atomic():
        write()
        transaction.set_rollback(True)

    letters.deliver(NOW)
    assert mailbox.taken == []


def test_a_server_that_is_away_is_tried_again_with_growing_patience(mailbox):
    write()
    mailbox.shut()

    now, waits = NOW, []
    for _ in range(5):
        letters.deliver(now)
        waits.append(only().due_at - now)
        now = only().due_at + timedelta(seconds=1)

    minutes = [round(wait / timedelta(minutes=1)) for wait in waits]
    assert minutes == [1, 2, 4, 8, 16]
    assert only().state == LetterState.WRITTEN
    assert "refused" in only().error


def test_after_too_many_tries_it_is_given_up_and_says_why(mailbox):
    write()
    Letter.objects.update(attempt_count=letters.MOST_TRIES - 1)
    mailbox.shut()

    letters.deliver(NOW)

    assert only().state == LetterState.FAILED
    assert "refused" in only().error


def test_an_address_that_is_refused_for_good_fails_at_once_and_stops_no_other(mailbox):
    write(to=["gone@example.com", "mei@example.com"])
    mailbox.refuse["gone@example.com"] = "550 no such person"

    letters.deliver(NOW)

    failed, sent = Letter.objects.order_by("pk")
    assert (failed.state, failed.error) == (LetterState.FAILED, "The mail server refused it: 550 no such person")
    assert sent.state == LetterState.SENT


def test_an_address_that_asks_for_patience_gets_it(mailbox):
    write(to=["grey@example.com", "mei@example.com"])
    mailbox.refuse["grey@example.com"] = "451 come back later"

    letters.deliver(NOW)
    mailbox.refuse.clear()
    letters.deliver(NOW + timedelta(minutes=2))

    assert {mail["To"] for mail in mailbox.taken} == {"mei@example.com", "grey@example.com"}


def test_an_acknowledgement_that_was_lost_sends_again_under_the_same_id(mailbox):
    write()
    mailbox.drop_after = 1

    letters.deliver(NOW)
    assert only().state == LetterState.WRITTEN
    letters.deliver(NOW + timedelta(minutes=2))

    assert only().state == LetterState.SENT
    assert mailbox.ids() == [only().message_id] * 2


def test_a_letter_in_somebodys_hand_is_left_alone(mailbox):
    write()
    letters._taken(only().pk, NOW)

    letters.deliver(NOW + timedelta(minutes=4))
    assert mailbox.taken == []

    letters.deliver(NOW + timedelta(minutes=6))
    assert len(mailbox.taken) == 1


def test_a_footer_is_added_as_it_leaves_and_stays_the_same(mailbox, settings):
    settings.LETTER_FOOTERS = (f"{__name__}.signed",)
    write()
    mailbox.drop_after = 1

    letters.deliver(NOW)
    settings.LETTER_FOOTERS = ()
    letters.deliver(NOW + timedelta(minutes=2))

    assert {mail.get_content() for mail in mailbox.taken} == {"500 JPY.\n\nhead of mei@example.com\n"}


def test_without_its_footer_it_does_not_leave(settings):
    settings.LETTER_FOOTERS = (f"{__name__}.broken",)
    write()

    letters.deliver(NOW)

    assert mail.outbox == []
    assert only().error == "RuntimeError: no head"


def test_without_a_mail_server_it_is_kept_and_not_called_sent(settings):
    settings.EMAIL_BACKEND = NO_SERVER
    settings.LETTER_FOOTERS = (f"{__name__}.signed",)
    write()

    assert letters.deliver(NOW) == "No mail server: 1 letters are kept here."

    assert (only().state, only().footer) == (LetterState.WRITTEN, "head of mei@example.com")
    assert not letters.post().has_server


def test_a_server_that_comes_late_does_not_get_old_letters(settings, mailbox):
    settings.EMAIL_BACKEND = NO_SERVER
    write()
    letters.deliver(NOW + timedelta(days=4))
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"

    letters.deliver(NOW + timedelta(days=4))

    assert only().state == LetterState.KEPT
    assert mailbox.taken == []


def test_what_was_given_up_can_be_tried_again(mailbox):
    write()
    Letter.objects.update(state=LetterState.FAILED, error="550 no such person")

    letters.try_again(only().pk, NOW)
    letters.deliver(NOW)

    assert len(mailbox.taken) == 1
    assert letters.try_again(only().pk, NOW) is None


def test_old_letters_are_dropped_but_never_one_that_is_still_to_be_sent():
    write(key="sent")
    Letter.objects.update(state=LetterState.SENT, sent_at=NOW)
    write(key="waiting")

    letters.tidy(NOW + timedelta(days=401))

    assert only().key == "waiting"


# Killed while sending ------------------------------------------------------------------------------------------------


def in_a_process_of_its_own(work, kill_after):
    process = os.fork()
    if process == 0:
        for connection in connections.all(initialized_only=True):
            connection.connection = None  # the parent's; this process opens its own
        try:
            work()
        finally:
            os._exit(0)
    time.sleep(kill_after)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


@pytest.mark.django_db(transaction=True)
def test_whoever_is_killed_while_sending_loses_none_and_gives_none_a_second_id(mailbox):
    for number in range(30):
        write(key=f"decision {number}")

    now = NOW
    for kill in range(10):
        in_a_process_of_its_own(lambda now=now: letters.deliver(now), kill_after=0.03 + 0.01 * kill)
        now += letters.HAND + timedelta(seconds=1)
    letters.deliver(now)

    ids = set(Letter.objects.values_list("message_id", flat=True))
    assert Letter.objects.filter(state=LetterState.SENT).count() == 30
    assert set(mailbox.ids()) == ids


# The pages -----------------------------------------------------------------------------------------------------------


def test_a_newcomer_can_read_what_would_have_been_sent(manager_client, settings):
    settings.EMAIL_BACKEND = NO_SERVER
    write()

    page = manager_client.get(reverse("jobs:letters")).content.decode()
    letter = manager_client.get(only().get_absolute_url()).content.decode()

    assert "Not sent: no mail server" in page
    assert "#7 was approved" in page
    assert "500 JPY." in letter
    assert "not sent: no mail server" in letter


def test_the_page_of_jobs_says_how_many_failed(manager_client):
    write()
    Letter.objects.update(state=LetterState.FAILED, error="550 no such person")

    assert "1 letter could not be sent." in manager_client.get(reverse("jobs:jobs")).content.decode()


def test_sending_again_is_asked_for_by_who_may_and_recorded(support_client, manager_client):
    write()
    again = reverse("jobs:send_again", args=[only().pk])
    Letter.objects.update(state=LetterState.FAILED, error="550 no such person")

    assert manager_client.post(again).status_code == 403
    assert support_client.get(again).status_code == 405
    assert support_client.post(again, follow=True).status_code == 200
    assert only().state == LetterState.WRITTEN

    answer = support_client.post(again, follow=True).content.decode()
    assert "not among those that were given up" in answer
