"""The fresh proof of who decides: the password, a current code or a security key, for one person and one content.

A passed check is a row. The database's guard of the decision uses it up (adjustments/migrations), so it serves once,
for the content it was made for, and within minutes. The site can make such a row and can never change one.
"""

import uuid
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.utils.formats import time_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import security_key
from audit.log import record

if TYPE_CHECKING:
    from accounts.models import Person

LASTS = timedelta(minutes=5)
TRIES, WINDOW = 5, timedelta(minutes=5)
TOTP_DIGITS, RECOVERY_DIGITS = 6, 8  # no password is as short, nor as poor


class Method(models.TextChoices):
    PASSWORD = "password", gettext_lazy("password")
    TOTP = "totp", gettext_lazy("code of the authenticator app")
    RECOVERY = "recovery", gettext_lazy("recovery code")
    WEBAUTHN = "webauthn", gettext_lazy("security key")


class WrongProof(ValidationError):
    """It does not prove who is there. The message says what to do, to the person who tried."""


class StepUp(models.Model):
    """A passed check, waiting to be used by the one decision it was made for."""

    site_privileges = ("SELECT", "INSERT")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    about = models.TextField()  # the content hash
    method = models.TextField(choices=Method.choices)
    time_step = models.BigIntegerField(null=True)  # of a code: nobody's code serves twice
    passed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    made_at = models.DateTimeField(null=True, editable=False)  # by the database's own clock, whatever the site says
    used_at = models.DateTimeField(null=True, editable=False)
    used_for = models.TextField(blank=True, default="", editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="step_up_method_is_known", condition=Q(method__in=Method.values)),
            models.CheckConstraint(name="step_up_is_about_something", condition=~Q(about="")),
            models.CheckConstraint(
                name="step_up_is_short",
                condition=Q(expires_at__gt=F("passed_at"), expires_at__lte=F("passed_at") + LASTS),
            ),
            models.CheckConstraint(
                name="step_up_used_says_for_what",
                condition=Q(used_at=None, used_for="") | (Q(used_at__isnull=False) & ~Q(used_for="")),
            ),
            models.CheckConstraint(
                name="step_up_code_has_its_time_step", condition=Q(method=Method.TOTP) | Q(time_step=None)
            ),
            models.UniqueConstraint(name="step_up_code_serves_once", fields=["person", "time_step"]),
        ]
        indexes = [
            models.Index(name="step_up_unused", fields=["person", "about"], condition=Q(used_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.method}"


def prove(person: "Person", *, about: str, word: str = "", key: str = "", now: datetime) -> StepUp:
    """Checks what was typed (``word``) or what a security key answered (``key``), and keeps that it was right.

    Raises WrongProof, which is recorded and counted: after a few wrong ones nobody is asked for a while.
    """
    if not (word.strip() or key):
        raise WrongProof(_("Type your password or a current code: it proves that it is you who decides."))
    _take_a_try(person, now)
    try:
        passed = remember(person, about=about, now=now, **_checked(person, about=about, word=word, key=key))
    except WrongProof as wrong:
        _record_refusal(person, about, str(wrong.message))
        raise
    cache.delete_many([_slot(person, number) for number in range(TRIES)])
    return passed


def remember(person: "Person", *, about: str, method: Method, time_step: int | None = None, now: datetime) -> StepUp:
    """Keeps that a check was passed. A code that has served is refused, also when two send it at once."""
    try:
        with transaction.atomic():
            return StepUp.objects.create(
                person=person,
                about=about,
                method=method,
                time_step=time_step,
                passed_at=now,
                expires_at=now + LASTS,
            )
    except IntegrityError as error:
        if error.__cause__.diag.constraint_name == "step_up_code_serves_once":
            raise WrongProof(_used()) from error
        raise


def _used() -> str:
    return _("This code has been used. Wait for the next one, or type your password.")


# What was sent -------------------------------------------------------------------------------------------------------


def _checked(person: "Person", *, about: str, word: str, key: str) -> dict[str, Any]:
    """Which method it was. Raises WrongProof when it does not fit."""
    if key:
        if not security_key.answered(person, about=about, answer=key):
            raise WrongProof(_("The security key did not answer as it should. Try again, or type your password."))
        return {"method": Method.WEBAUTHN}
    digits = word.replace(" ", "").replace("-", "")
    if digits.isdecimal() and len(digits) == TOTP_DIGITS:
        return {"method": Method.TOTP, "time_step": _time_step(person, digits)}
    if digits.isdecimal() and len(digits) == RECOVERY_DIGITS:
        return _checked_recovery(person, digits)
    if not person.check_password(word):
        raise WrongProof(_("This is not your password, nor a current code."))
    return {"method": Method.PASSWORD}


def _time_step(person: "Person", code: str) -> int:
    """The time step of a right code; allauth keeps that it served, for signing in as well."""
    from allauth.mfa.totp.internal import auth

    app = Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).first()
    secret = auth.decrypt(app.data["secret"]) if app else ""
    for step in auth.yield_hotp_counters_from_time() if app else ():
        if compare_digest(auth.format_hotp_value(auth.hotp_value(secret, step)), code):
            if not app.wrap().validate_code(code):
                raise WrongProof(_used())
            app.record_usage()
            return step
    raise WrongProof(_("This code is wrong, or no longer current."))


def _checked_recovery(person: "Person", code: str) -> dict[str, Any]:
    codes = Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).first()
    if not codes or not codes.wrap().validate_code(code):
        raise WrongProof(_("This recovery code is wrong, or has been used."))
    return {"method": Method.RECOVERY}


# How often -----------------------------------------------------------------------------------------------------------


def _slot(person: "Person", number: int) -> str:
    return f"step_up:{person.pk}:{number}"


def _take_a_try(person: "Person", now: datetime) -> None:
    """Before anything is compared, so that many at once are no more than a few. A slot frees itself after a while."""
    slots = [_slot(person, number) for number in range(TRIES)]
    seconds = WINDOW.total_seconds()
    if any(cache.add(slot, now.isoformat(), timeout=seconds) for slot in slots):
        return
    taken = [datetime.fromisoformat(at) for at in cache.get_many(slots).values()]
    again = min(taken, default=now) + WINDOW
    if cache.add(f"step_up:{person.pk}:told", "", timeout=seconds):  # once: nobody can fill the log by guessing
        _record_refusal(person, "", "too many wrong passwords or codes")
    raise WrongProof(
        _("Too many wrong passwords or codes. Try again at %(at)s.") % {"at": time_format(localtime(again), "H:i:s")}
    )


def _record_refusal(person: "Person", about: str, why: str) -> None:
    with transaction.atomic():
        record(
            actor=person.actor,
            action_type="step_up_refused",
            target_type="person",
            target_id=str(person.pk),
            outcome="refused",
            reason=why,
            metadata={"about": about},
        )
