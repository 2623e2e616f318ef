"""Changes to people and their roles: one admin asks, another confirms, and only then it happens.

The rules are the database's (constraints, and the triggers of migrations/); what it refuses is told here in a sentence.
Each verb is one transaction in which somebody acts; the rows record themselves in the audit log.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Kind, Person, PersonChange, PersonChangeQuerySet, RoleGrant, SourceIdentity, State
from accounts.roles import Role, are_apart
from audit.log import SYSTEM_ACTOR, Actor, acting

APART = gettext_lazy("Nobody holds admin together with support or approver.")

SENTENCES = {
    "accounts_person_email_key": gettext_lazy("Somebody with this e-mail address is here already."),
    "change_is_asked_by_an_admin": gettext_lazy("Only an admin can ask for a change of people or roles."),
    "change_is_asked_once": gettext_lazy("The same change of this person already waits for a second admin."),
    "change_is_confirmed_by_a_second_admin": gettext_lazy(
        "A change is confirmed by another admin than the one who asked, and not by the person it is about."
    ),
    "change_is_confirmed_by_admins": gettext_lazy("A change is asked and confirmed by two who are admins now."),
    "change_is_withdrawn_by_its_asker": gettext_lazy("Who asked for a change withdraws it; another admin refuses it."),
    "admin_stands_apart": APART,
    "two_admins_remain": gettext_lazy("Two active admins must remain, or no change could be confirmed any more."),
    "identity_is_matched_once": gettext_lazy("This person is matched to it already."),
    "change_names_an_identity_where_it_must": gettext_lazy("Say under which id the source knows this person."),
    "role_is_granted_once": gettext_lazy("This role is held already."),
    "role_is_granted_by_a_change": gettext_lazy(
        "The console has two admins: whoever comes next is added on the People page, where a second admin confirms."
    ),
}
SENTENCES["person_is_admitted_by_a_change"] = SENTENCES["role_is_granted_by_a_change"]


class Refusal(Exception):
    """A change that cannot be; its text says why, to the person who tried."""


class AlreadyDecided(Refusal):
    """Somebody was faster."""


@contextmanager
def _told(actor: Actor, reason: str = "") -> Iterator[None]:
    """One transaction; what a constraint or trigger forbids becomes a Refusal with its sentence."""
    try:
        with acting(actor, reason=reason):
            yield
    except IntegrityError as error:
        name = error.__cause__.diag.constraint_name
        if name not in SENTENCES:
            raise
        raise Refusal(str(SENTENCES[name])) from error


# Founding a console --------------------------------------------------------------------------------------------------


def found(*, email: str, name: str, roles: Sequence[str], password: str, now: datetime) -> Person:
    """Somebody of the first hour: until there are two admins, there is nobody who could confirm."""
    if not are_apart(roles):
        raise Refusal(str(APART))
    with _told(SYSTEM_ACTOR, "The console is being founded."):
        person = _new_person(email=email, name=name, is_active=True, password=password, now=now)
        for role in sorted(roles, key=Role.ADMIN.__eq__):  # admin last: the second admin ends the founding
            RoleGrant.objects.create(person=person, role=role, granted_at=now)
    return person


def _new_person(*, email: str, name: str, is_active: bool, password: str | None, now: datetime) -> Person:
    person = Person(email=email.strip().lower(), name=name.strip(), is_active=is_active, created_at=now)
    person.set_password(password)  # None: none fits
    person.save(force_insert=True)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


# Asking --------------------------------------------------------------------------------------------------------------


def invite(
    *, email: str, name: str, roles: Sequence[str], reason: str, by: Person, now: datetime, password: str | None = None
) -> PersonChange:
    """A new person, who can sign in once another admin has confirmed."""
    with _told(by.actor, reason):
        person = _new_person(email=email, name=name, is_active=False, password=password, now=now)
        return request(person=person, kind=Kind.ADMIT, roles=roles, reason=reason, by=by, now=now)


@dataclass(frozen=True)
class Identity:
    """Under what a source knows somebody; '' as the system is any."""

    kind: str
    value: str
    system: str = ""

    @property
    def columns(self) -> dict[str, str]:
        return {"identity_kind": self.kind, "identity_value": self.value.strip(), "identity_system": self.system}


def request(
    *,
    person: Person,
    kind: str,
    roles: Sequence[str] = (),
    identity: Identity | None = None,
    reason: str,
    by: Person,
    now: datetime,
) -> PersonChange:
    _refuse_nonsense(person, kind, roles)
    if identity:
        _refuse_useless_match(person, kind, identity)
    named = identity.columns if identity else {}
    with _told(by.actor, reason):
        return PersonChange.objects.create(
            person=person, kind=kind, roles=sorted(roles), reason=reason, requested_by=by, requested_at=now, **named
        )


def _refuse_useless_match(person: Person, kind: str, identity: Identity) -> None:
    known = _matched(person.pk, identity.kind, identity.system, identity.value.strip()).exists()
    if kind == Kind.MATCH and known:
        raise Refusal(str(SENTENCES["identity_is_matched_once"]))
    if kind == Kind.UNMATCH and not known:
        raise Refusal(_("This person is not matched to it."))


def _matched(person: int, kind: str, system: str, value: str) -> QuerySet[SourceIdentity]:
    return SourceIdentity.objects.filter(person_id=person, kind=kind, system=system, value__iexact=value)


def _refuse_nonsense(person: Person, kind: str, roles: Iterable[str]) -> None:
    """What could be asked, but would change nothing or could never be confirmed."""
    asked, held = set(roles), set(RoleGrant.objects.filter(person=person).values_list("role", flat=True))
    if kind in (Kind.GRANT, Kind.ADMIT) and not are_apart(held | asked):
        raise Refusal(str(APART))
    if kind == Kind.GRANT and asked & held:
        raise Refusal(str(SENTENCES["role_is_granted_once"]))
    if kind == Kind.REVOKE and asked - held:
        raise Refusal(_("This role is not held, so it cannot be revoked."))
    if kind == Kind.ENABLE and person.is_active:
        raise Refusal(_("%s is active already.") % person.name)
    if kind == Kind.DISABLE and not person.is_active:
        raise Refusal(_("%s is disabled already.") % person.name)


def what_waits() -> PersonChangeQuerySet:
    """For the navigation, which counts: what waits for a second admin."""
    return PersonChange.objects.pending()


# Deciding ------------------------------------------------------------------------------------------------------------


def confirm(*, change: PersonChange, by: Person, now: datetime) -> PersonChange:
    """The second admin says yes: it happens, in this transaction."""
    with _told(by.actor, change.reason):
        _decide(change, State.CONFIRMED, by, now)
        _perform(change, by, now)
    return change


def refuse(*, change: PersonChange, by: Person, reason: str, now: datetime) -> PersonChange:
    """Another admin says no."""
    if by.pk == change.requested_by_id:
        raise Refusal(str(SENTENCES["change_is_withdrawn_by_its_asker"]))
    with _told(by.actor, reason):
        _decide(change, State.REFUSED, by, now)
    return change


def withdraw(*, change: PersonChange, by: Person, now: datetime) -> PersonChange:
    """Whoever asked thinks better of it."""
    if by.pk != change.requested_by_id:
        raise Refusal(str(SENTENCES["change_is_withdrawn_by_its_asker"]))
    with _told(by.actor):
        _decide(change, State.WITHDRAWN, by, now)
    return change


def _decide(change: PersonChange, state: str, by: Person, now: datetime) -> None:
    undecided = PersonChange.objects.pending().filter(pk=change.pk)
    if not undecided.update(state=state, decided_by=by, decided_at=now):
        change.refresh_from_db()
        by_whom = change.decided_by.name if change.decided_by else _("the directory")
        who = {"state": change.get_state_display(), "name": by_whom}
        raise AlreadyDecided(_("Somebody was faster: %(name)s decided this (%(state)s).") % who)
    change.refresh_from_db()


def _perform(change: PersonChange, by: Person, now: datetime) -> None:
    people = Person.objects.filter(pk=change.person_id)
    if change.kind in (Kind.ADMIT, Kind.ENABLE):
        people.update(is_active=True)
    elif change.kind == Kind.DISABLE:
        people.update(is_active=False)
    if change.kind in (Kind.ADMIT, Kind.GRANT):
        for role in change.roles:
            RoleGrant.objects.create(person=change.person, role=role, granted_by=by, granted_at=now, change=change)
    elif change.kind == Kind.REVOKE:
        RoleGrant.objects.filter(person_id=change.person_id, role__in=change.roles).delete()
    _perform_match(change, now)


def _perform_match(change: PersonChange, now: datetime) -> None:
    named = {"kind": change.identity_kind, "system": change.identity_system, "value": change.identity_value}
    if change.kind == Kind.MATCH:
        SourceIdentity.objects.create(person_id=change.person_id, matched_at=now, change=change, **named)
    elif change.kind == Kind.UNMATCH:
        _matched(change.person_id, **named).delete()
