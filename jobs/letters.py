"""Mail that is neither lost nor told twice: written in the transaction of what it tells, sent by the worker afterwards.

A letter has a key (of what happened) and goes to one person once. Taking it up sets the time of its next try first, so
whoever dies with it in hand leaves it to the next pass; it counts as sent only after the server took it. A crash in
between sends it again, under the same Message-ID, by which mail readers know it for the same.
"""

import logging
import smtplib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime, parseaddr
from time import monotonic

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F, Min
from django.utils import timezone, translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from procrastinate.exceptions import AlreadyEnqueued

from jobs.models import Letter, LetterState
from jobs.queue import app

NO_SERVER = "django.core.mail.backends.console.EmailBackend"  # what stands in the settings without EMAIL_HOST
NAMESPACE = uuid.UUID("5d0c2f4e-5c9e-4b8e-9a43-0a4c0f0d7a11")
HAND = timedelta(minutes=5)  # how long a letter in somebody's hand is left alone
LONGEST = timedelta(hours=4)  # between two tries
MOST_TRIES = 16  # within about a day and a half
MOST_AT_ONCE = 100
USEFUL = timedelta(days=3)  # without a mail server, a letter is not sent when one is there much later
KEPT = timedelta(days=400)
ITS_OWN = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPSenderRefused)

logger = logging.getLogger(__name__)


class Misfit(Exception):
    """The letter itself is refused, for good."""


@dataclass(frozen=True)
class Post:
    """How the letters stand. ``has_server`` false means that nothing is known of anybody having read one."""

    has_server: bool
    unsent_count: int
    failed_count: int
    oldest_at: datetime | None  # of those that are not sent yet


def write(
    *,
    to: Sequence[str],
    subject: str,
    body: str,
    key: str,
    system: str = "",
    language: str = "",
    now: datetime | None = None,
) -> int:
    """One letter to each address, unless it was written before under this key. How many are new.

    Call it inside the transaction of what the letter tells: both are there, or neither.
    """
    at = now or timezone.now()
    addresses = dict.fromkeys(address.strip() for address in to if address.strip())
    letters = [
        Letter(
            key=key,
            to=address,
            subject=" ".join(subject.split()),
            body=body,
            language=language,
            system=system,
            message_id=_message_id(key, address),
            written_at=at,
            due_at=at,
        )
        for address in addresses
    ]
    before = Letter.objects.filter(key=key, to__in=addresses).count()
    Letter.objects.bulk_create(letters, ignore_conflicts=True)
    transaction.on_commit(ask, robust=True)
    return len(letters) - before


def _message_id(key: str, address: str) -> str:
    """The same for the same letter, whoever sends it and however often."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{uuid.uuid5(NAMESPACE, f'{key} {address}')}@{domain}>"


def ask() -> None:
    """Asks the worker for a pass. When nobody could, the job of the same name comes within a minute."""
    try:
        with transaction.atomic():
            app.configure_task("jobs.letters", queue="notify", queueing_lock="jobs.letters").defer()
    except AlreadyEnqueued:
        pass


def has_server() -> bool:
    return settings.EMAIL_BACKEND != NO_SERVER


# Sending -------------------------------------------------------------------------------------------------------------


def deliver(now: datetime) -> str:
    """One pass over what is due. Safe at any time, again, and from two processes at once."""
    begun = monotonic()

    def clock() -> datetime:
        return now + timedelta(seconds=monotonic() - begun)

    if not has_server():
        return _keep(now)
    server = get_connection()
    try:
        return _("%d letters sent.") % _deliver_all(server, clock)
    finally:
        server.close()


def _deliver_all(server: BaseEmailBackend, clock: Callable[[], datetime]) -> int:
    sent = 0
    for pk in list(Letter.objects.due(clock()).values_list("pk", flat=True)[:MOST_AT_ONCE]):
        letter = _taken(pk, clock())
        if letter and not _send(letter, server, clock):
            break  # it is in the way of the others too: the next pass begins with another
        sent += bool(letter and letter.state == LetterState.SENT)
    return sent


def _keep(now: datetime) -> str:
    """Without a server a letter is finished, for whoever reads it here, and stays."""
    bare = Letter.objects.due(now).filter(footer="") if settings.LETTER_FOOTERS else Letter.objects.none()
    for letter in bare[:MOST_AT_ONCE]:
        Letter.objects.filter(pk=letter.pk, footer="").update(footer=_footer(letter))
    Letter.objects.written().filter(written_at__lt=now - USEFUL).update(state=LetterState.KEPT)
    return _("No mail server: %d letters are kept here.") % Letter.objects.written().count()


def _taken(pk: int, now: datetime) -> Letter | None:
    """The letter, in our hand: before anything is tried, the next try is written down."""
    mine = Letter.objects.due(now).filter(pk=pk).order_by()
    if not mine.update(attempt_count=F("attempt_count") + 1, due_at=now + HAND):
        return None
    return Letter.objects.get(pk=pk)


def _send(letter: Letter, server: BaseEmailBackend, clock: Callable[[], datetime]) -> bool:
    """Whether the next one may be tried as well: not when what went wrong is the server's."""
    try:
        _hand_over(letter, server)
    except Misfit as refusal:
        _give_up(letter, str(refusal))
    except Exception as error:
        logger.warning("The letter %s could not be sent: %s", letter.pk, error)
        _put_off(letter, f"{type(error).__name__}: {error}", clock())
        return isinstance(error, ITS_OWN)
    else:
        _mark(letter, state=LetterState.SENT, sent_at=clock(), error="")
    return True


def _hand_over(letter: Letter, server: BaseEmailBackend) -> None:
    if not letter.footer:
        letter.footer = _footer(letter)
        Letter.objects.filter(pk=letter.pk).update(footer=letter.footer)
    server.open()
    try:
        message(letter, server).send()
    except smtplib.SMTPRecipientsRefused as refusal:
        code, said = next(iter(refusal.recipients.values()))
        raise _refused(code, said, refusal) from refusal
    except smtplib.SMTPDataError as refusal:
        raise _refused(refusal.smtp_code, refusal.smtp_error, refusal) from refusal


def _refused(code: int, said: bytes | str, refusal: Exception) -> Exception:
    """By a code from 500 on the server says not to come back; one below asks for patience."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return Misfit(_("The mail server refused it: %s") % f"{code} {text}") if code >= 500 else refusal


def message(letter: Letter, server: BaseEmailBackend | None = None) -> EmailMessage:
    headers = {
        "Message-ID": letter.message_id,
        "Date": format_datetime(letter.written_at),
        "Auto-Submitted": "auto-generated",
    }
    return EmailMessage(letter.subject, letter.text, to=[letter.to], headers=headers, connection=server)


def _footer(letter: Letter) -> str:
    """What ``settings.LETTER_FOOTERS`` add as it leaves: the head of the audit log as it is then, for one."""
    with translation.override(letter.language or settings.LANGUAGE_CODE):
        found = [str(import_string(path)(letter)).strip() for path in settings.LETTER_FOOTERS]
    return "\n\n".join(part for part in found if part)


def _mark(letter: Letter, **columns: object) -> None:
    Letter.objects.written().filter(pk=letter.pk).update(**columns)
    letter.refresh_from_db()


def _put_off(letter: Letter, error: str, now: datetime) -> None:
    if letter.attempt_count >= MOST_TRIES:
        return _give_up(letter, error)
    _mark(letter, error=_storable(error), due_at=now + patience(letter.attempt_count))


def patience(tries: int) -> timedelta:
    """One minute after the first try, and twice as long after each further one."""
    return min(timedelta(minutes=2 ** (tries - 1)), LONGEST)


def _give_up(letter: Letter, error: str) -> None:
    logger.error("The letter %s is given up: %s", letter.pk, error)
    _mark(letter, state=LetterState.FAILED, error=_storable(error))


def _storable(error: str) -> str:
    return error.replace("\x00", "")[:2000]


# Standing and second chances -----------------------------------------------------------------------------------------


def post(system: str = "") -> Post:
    """Of all letters, or of those about one system."""
    letters = Letter.objects.about(system)
    oldest = letters.written().aggregate(at=Min("written_at"))["at"]
    return Post(has_server(), letters.written().count(), letters.failed().count(), oldest)


def try_again(pk: int, now: datetime) -> Letter | None:
    """Puts one that failed, or that nobody could send, among those to be sent; None when it is not such a one."""
    again = Letter.objects.filter(pk=pk, state__in=[LetterState.FAILED, LetterState.KEPT])
    if not again.update(state=LetterState.WRITTEN, attempt_count=0, due_at=now, error=""):
        return None
    transaction.on_commit(ask, robust=True)
    return Letter.objects.get(pk=pk)


def tidy(now: datetime) -> str:
    count = Letter.objects.exclude(state=LetterState.WRITTEN).filter(written_at__lt=now - KEPT).delete()[0]
    return _("%d old letters dropped.") % count
