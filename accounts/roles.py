"""Who may what: the role table. A person may hold several roles, but never admin together with support or approver."""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from billingadmin.audience import Capability


class Role(models.TextChoices):
    SUPPORT = "support", _("support")
    APPROVER = "approver", _("approver")
    MANAGER = "manager", _("manager")
    AUDITOR = "auditor", _("auditor")
    ADMIN = "admin", _("admin")


CAPABILITIES: dict[str, frozenset[Capability]] = {
    Role.SUPPORT: frozenset({"read", "triage", "switch", "unmask"}),
    Role.APPROVER: frozenset({"read", "triage", "decide", "switch", "thaw", "unmask"}),
    Role.MANAGER: frozenset({"read"}),
    Role.AUDITOR: frozenset({"read", "unmask", "audit"}),
    Role.ADMIN: frozenset({"people"}),
}

# Whoever says who may decide does not decide. The database holds this too: accounts/migrations/0002_guards.sql.
APART_FROM_ADMIN = frozenset({Role.SUPPORT, Role.APPROVER})

WITH_SECOND_FACTOR = frozenset({Role.APPROVER, Role.ADMIN})


def capabilities(roles: Iterable[str]) -> frozenset[Capability]:
    """What somebody with these roles may, one's own settings included."""
    return frozenset({"public", "signed_in"}).union(*(CAPABILITIES[role] for role in roles))


def are_apart(roles: Iterable[str]) -> bool:
    """Whether one person may hold all of these."""
    held = set(roles)
    return Role.ADMIN not in held or not held & APART_FROM_ADMIN


def roles_for(audience: Iterable[str]) -> list[Role]:
    """The roles of which any opens a view for this audience."""
    wanted = set(audience)
    return [role for role in Role if CAPABILITIES[role] & wanted]


HOMES: tuple[tuple[Capability, str], ...] = (
    ("read", "/"),
    ("people", "/people/"),
    ("signed_in", "/accounts/settings/"),
)


def home(held: Iterable[str]) -> str:
    """The first page of somebody with these capabilities."""
    return next(path for capability, path in HOMES if capability in set(held))


DUTIES: tuple[tuple[Capability, Any], ...] = (
    ("read", _("Read everything of the trade, personal data masked")),
    ("triage", _("Triage, notes, routines, probe, propose")),
    ("decide", _("Decide on adjustments")),
    ("switch", _("Switch, freeze, reconcile")),
    ("thaw", _("Thaw, review a switch")),
    ("unmask", _("See personal data, recorded")),
    ("audit", _("Verify and export the audit log")),
    ("people", _("People, roles, policy, each change with a second admin")),
)


def table() -> list[tuple[Any, list[bool]]]:
    """The role table in words: each duty, and for each role in order whether it has it."""
    return [(words, [capability in CAPABILITIES[role] for role in Role]) for capability, words in DUTIES]
