"""The cast of the demo, and of the tests: two admins, two approvers, and one of each other role."""

from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.db import transaction
from django.utils.crypto import salted_hmac

from accounts import changes
from accounts.models import Person
from accounts.roles import WITH_SECOND_FACTOR, Role


@dataclass(frozen=True)
class Member:
    """One of the cast, with the password that the demo prints."""

    email: str
    name: str
    role: Role
    password: str
    language: str = "en"


CAST = {
    "admin": Member("chihiro.mori@billing.example", "森 千尋", Role.ADMIN, "demo-lantern-41", "ja"),
    "second_admin": Member("oliver.grant@billing.example", "Oliver Grant", Role.ADMIN, "demo-harbour-82"),
    "support": Member("ken.sato@billing.example", "佐藤 健", Role.SUPPORT, "demo-compass-27", "ja"),
    "approver": Member("aiko.tanaka@billing.example", "Aiko Tanaka", Role.APPROVER, "demo-meadow-63"),
    "second_approver": Member("daniel.meyer@billing.example", "Daniel Meyer", Role.APPROVER, "demo-signal-58"),
    "manager": Member("maria.lopez@billing.example", "María López", Role.MANAGER, "demo-terrace-94"),
    "auditor": Member("aoi.suzuki@billing.example", "鈴木 葵", Role.AUDITOR, "demo-archive-36", "ja"),
}
FOUNDERS = ("admin", "second_admin")


def build_cast(now: datetime) -> list[Member]:
    """Brings the whole cast in, and answers it for whoever prints the sign-ins. Those who are here are left alone."""
    with transaction.atomic():
        for part in CAST:
            join(part, now)
    return list(CAST.values())


def join(part: str, now: datetime) -> Person:
    """One of the cast by part, brought in the way everybody is: the admins found, the others are admitted by both."""
    member = CAST[part]
    if here := Person.objects.filter(email=member.email).first():
        return here
    bring = _found if part in FOUNDERS else _admit
    person = bring(member, now)
    if member.role in WITH_SECOND_FACTOR:
        TOTP.activate(person, totp_secret(member))
        RecoveryCodes.activate(person)
    Person.objects.filter(pk=person.pk).update(language=member.language, zone="Asia/Tokyo")
    return Person.objects.get(pk=person.pk)


def totp_secret(member: Member) -> str:
    """The same for each console's demo as long as its data folder lives: its page of codes tells what the app would."""
    return b32encode(salted_hmac("accounts.demo", member.email, algorithm="sha256").digest()[:20]).decode()


def _found(member: Member, now: datetime) -> Person:
    return changes.found(email=member.email, name=member.name, roles=[member.role], password=member.password, now=now)


def _admit(member: Member, now: datetime) -> Person:
    first, second = (join(part, now) for part in FOUNDERS)
    change = changes.invite(
        email=member.email,
        name=member.name,
        roles=[member.role],
        reason="The cast of the demo.",
        by=first,
        now=now,
        password=member.password,
    )
    return changes.confirm(change=change, by=second, now=now).person
