"""What tests need of people beyond the cast."""

from datetime import datetime
from time import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, decrypt, format_hotp_value, generate_totp_secret, hotp_value

from accounts import step_up
from accounts.models import Person


def enrolled(person: Person) -> Person:
    """The person with a second factor, as approvers and admins have one."""
    TOTP.activate(person, generate_totp_secret())
    return Person.objects.get(pk=person.pk)


def current_code(person: Person) -> str:
    """What the app on the person's phone shows now."""
    app = Authenticator.objects.get(user=person, type=Authenticator.Type.TOTP)
    return format_hotp_value(hotp_value(decrypt(app.data["secret"]), int(time()) // 30))


def stepped_up(person: Person, adjustment: Any, at: datetime) -> Person:
    """The person, just proven by password for this content as it is now: they may decide on it once."""
    step_up.remember(person, about=adjustment.content_hash, method=step_up.Method.PASSWORD, now=at)
    return person
