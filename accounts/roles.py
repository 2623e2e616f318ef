"""Who may what: the role table. A person may hold several roles, but never admin together with support or approver."""

from collections.abc import Iterable

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
