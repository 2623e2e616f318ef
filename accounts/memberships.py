"""What the directory says of somebody: their groups, and the roles that these mean here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from accounts.roles import Role, are_apart


class Membership(models.Model):
    """The directory's word on a person as of their last sign-in through it. It grants nothing by itself."""

    person = models.OneToOneField("accounts.Person", models.PROTECT, primary_key=True, related_name="membership")
    groups = ArrayField(models.TextField(), default=list)
    roles = ArrayField(models.CharField(max_length=10, choices=Role), default=list)
    said_at = models.DateTimeField()

    def __str__(self) -> str:
        return ", ".join(self.groups)

    @property
    def role_names(self) -> list[str]:
        return [str(role.label) for role in Role if role in self.roles]

    @property
    def is_apart(self) -> bool:
        """Whether one person may hold all that the groups mean."""
        return are_apart(self.roles)


@dataclass(frozen=True)
class Said:
    """One sign-in, as the directory tells it. No groups (None) is something else than not being in any."""

    subject: str
    email: str  # '' unless the directory vouches for it
    name: str
    groups: tuple[str, ...] | None

    @property
    def roles(self) -> frozenset[str]:
        meaning = group_roles()
        return frozenset(meaning[group] for group in self.groups or () if group in meaning)


class Contradiction(Exception):
    """What the directory says of somebody in one place is of somebody else in another."""


def said(claims: Mapping[str, Any]) -> Said:
    """From what allauth fetched: the answer of the userinfo address, and the id token."""
    userinfo, token = claims.get("userinfo") or {}, claims.get("id_token") or {}
    if not userinfo.get("sub") or userinfo["sub"] != token.get("sub"):
        raise Contradiction("The subject of the id token and of the userinfo answer differ, or one has none.")
    both = {**token, **userinfo}
    email = str(both.get("email") or "").strip().lower()
    return Said(
        subject=str(both["sub"]),
        email=email if _is_yes(userinfo.get("email_verified", token.get("email_verified"))) else "",
        name=str(both.get("name") or email.partition("@")[0])[:100],
        groups=_groups(both.get(settings.OIDC_GROUPS_CLAIM)),
    )


def _is_yes(value: Any) -> bool:
    """Some directories write their yes as text; “false” as text is a no."""
    return value is True or str(value).lower() == "true"


def _groups(claim: Any) -> tuple[str, ...] | None:
    if isinstance(claim, str):
        return (claim,)
    if not isinstance(claim, list):
        return None
    return tuple(sorted({group for group in claim if isinstance(group, str)}))


def group_roles(entries: Iterable[str] | None = None) -> dict[str, str]:
    """OIDC_GROUP_ROLES as a mapping; a role that is not ours is told when the console starts."""
    pairs = {}
    for entry in settings.OIDC_GROUP_ROLES if entries is None else entries:
        group, equals, role = (part.strip() for part in entry.rpartition("="))
        if not (group and equals and role in Role.values):
            known = ", ".join(Role.values)
            raise ImproperlyConfigured(f"OIDC_GROUP_ROLES: “{entry}” is not group=role with a role of {known}.")
        pairs[group] = role
    return pairs
