"""People, the roles they hold, and the changes to both, each of which a second admin confirms."""

from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts import security_key, step_up
from accounts.roles import WITH_SECOND_FACTOR, Role, capabilities, home
from audit.log import SYSTEM_ACTOR, Actor, acting
from billingadmin.audience import Capability


class Theme(models.TextChoices):
    AUTO = "auto", _("as the device")
    LIGHT = "light", _("light")
    DARK = "dark", _("dark")


class Language(models.TextChoices):
    ENGLISH = "en", "English"
    JAPANESE = "ja", "日本語"


ENROLMENT = "/accounts/2fa/totp/activate/"


def default_zone() -> str:
    return settings.TIME_ZONE


def default_language() -> str:
    return settings.LANGUAGE_CODE.split("-")[0]


class PersonQuerySet(models.QuerySet):
    def active(self) -> "PersonQuerySet":
        return self.filter(is_active=True)

    def holding(self, role: str) -> "PersonQuerySet":
        return self.filter(grants__role=role)

    def by_name(self) -> "PersonQuerySet":
        return self.order_by("-is_active", "name", "pk")


class People(BaseUserManager.from_queryset(PersonQuerySet)):
    def get_by_natural_key(self, email: str) -> "Person":
        return self.get(email=email.lower())


class Person(AbstractBaseUser):
    """Somebody who signs in. Active, and in a role, only by a change that a second admin confirmed."""

    id = models.BigAutoField(primary_key=True)
    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=100)
    zone = models.CharField(_("time zone"), max_length=64, default=default_zone)
    language = models.CharField(_("language"), max_length=2, choices=Language, default=default_language)
    theme = models.CharField(_("theme"), max_length=5, choices=Theme, default=Theme.AUTO)
    is_active = models.BooleanField(_("active"), default=False)
    created_at = models.DateTimeField(_("since"))
    second_factor = models.BooleanField(default=False, editable=False)  # counted by the database, whatever is written

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    objects = People()

    class Meta:
        constraints = [
            models.CheckConstraint(name="person_email_is_lower_case", condition=Q(email=Lower("email"))),
            models.CheckConstraint(name="person_has_a_name", condition=~Q(name="")),
            models.CheckConstraint(name="person_language_is_known", condition=Q(language__in=Language.values)),
            models.CheckConstraint(name="person_theme_is_known", condition=Q(theme__in=Theme.values)),
        ]

    def __str__(self) -> str:
        return self.name

    def check_password(self, raw_password: str) -> bool:
        """A password kept in an older way is kept anew when it is typed: the house's doing, not the person's."""

        def keep_anew(password: str) -> None:
            self.set_password(password)
            with acting(SYSTEM_ACTOR, reason="The password is kept in a newer way; it is the same."):
                self.save(update_fields=["password"])

        return check_password(raw_password, self.password, keep_anew)

    @cached_property
    def roles(self) -> frozenset[str]:
        """The roles held, read once per request."""
        return frozenset(grant.role for grant in self.grants.all())

    @cached_property
    def capabilities(self) -> frozenset[Capability]:
        return capabilities(self.roles if self.is_active and not self.awaits_second_factor else ())

    @property
    def must_have_second_factor(self) -> bool:
        return bool(self.roles & WITH_SECOND_FACTOR)

    @property
    def awaits_second_factor(self) -> bool:
        """Nothing opens but setting it up."""
        return self.is_active and self.must_have_second_factor and not self.second_factor

    def may(self, capability: Capability) -> bool:
        return capability in self.capabilities

    @property
    def role_names(self) -> list[str]:
        """The roles in words, in the order of the role table."""
        return [str(role.label) for role in Role if role in self.roles]

    @property
    def home(self) -> str:
        return ENROLMENT if self.awaits_second_factor else home(self.capabilities)

    @property
    def actor(self) -> Actor:
        """As whom the audit log knows this person."""
        return Actor(f"person:{self.pk}", f"{self.name} <{self.email}>")

    @property
    def state(self) -> str:
        return "active" if self.is_active else "inactive"

    @cached_property
    def has_security_key(self) -> bool:
        return security_key.has_one(self)

    def prove(self, *, about: str, word: str = "", key: str = "", now: datetime) -> None:
        """Fresh proof that it is this person who decides on this content; raises a ValidationError."""
        step_up.prove(self, about=about, word=word, key=key, now=now)


class RoleGrant(models.Model):
    """One role of one person. Rows come and go only in the transaction that confirms a change: 0002_guards.sql."""

    id = models.BigAutoField(primary_key=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="grants")
    role = models.CharField(_("role"), max_length=10, choices=Role)
    granted_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField()
    change = models.ForeignKey("PersonChange", models.PROTECT, null=True, related_name="grants")

    class Meta:
        ordering = ["role"]
        constraints = [
            models.UniqueConstraint(name="role_is_granted_once", fields=["person", "role"]),
            models.CheckConstraint(name="role_is_known", condition=Q(role__in=Role.values)),
        ]

    def __str__(self) -> str:
        return self.get_role_display()


class Kind(models.TextChoices):
    ADMIT = "admit", _("admit")
    GRANT = "grant", _("grant")
    REVOKE = "revoke", _("revoke")
    DISABLE = "disable", _("disable")
    ENABLE = "enable", _("enable")
    MATCH = "match", _("match")
    UNMATCH = "unmatch", _("unmatch")


OF_IDENTITIES = {Kind.MATCH, Kind.UNMATCH}
WITHOUT_ROLES = {Kind.DISABLE, Kind.ENABLE, *OF_IDENTITIES}
ASKED_BY_THE_DIRECTORY = {Kind.ADMIT, Kind.GRANT, Kind.REVOKE}


class IdentityKind(models.TextChoices):
    UUID = "uuid", _("UUID")
    EMAIL = "email", _("e-mail")
    TELEGRAM = "telegram", _("Telegram id")
    ORG = "org", _("organisation")
    OTHER = "other", _("other id")


class State(models.TextChoices):
    PENDING = "pending", _("waits for a second admin")
    CONFIRMED = "confirmed", _("confirmed")
    REFUSED = "refused", _("refused")
    WITHDRAWN = "withdrawn", _("withdrawn")


TITLES = {
    Kind.ADMIT: _("Admit %(name)s as %(roles)s"),
    Kind.GRANT: _("Make %(name)s %(roles)s"),
    Kind.REVOKE: _("%(name)s is no longer %(roles)s"),
    Kind.DISABLE: _("Disable %(name)s"),
    Kind.ENABLE: _("Enable %(name)s"),
    Kind.MATCH: _("%(name)s is also %(identity)s"),
    Kind.UNMATCH: _("%(name)s is not %(identity)s"),
}


class PersonChangeQuerySet(models.QuerySet):
    def pending(self) -> "PersonChangeQuerySet":
        return self.filter(state=State.PENDING)

    def newest_first(self) -> "PersonChangeQuerySet":
        return self.order_by("-requested_at", "-pk")


class PersonChange(models.Model):
    """What one admin asks to change about a person, until another admin confirms or refuses it.

    Asked by nobody (``requested_by``) means: by the directory, which is the first voice for who comes in, and the only
    one needed for a role that goes.
    """

    id = models.BigAutoField(primary_key=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="changes")
    kind = models.CharField(_("change"), max_length=10, choices=Kind)
    roles = ArrayField(models.CharField(max_length=10, choices=Role), default=list)
    identity_kind = models.CharField(max_length=10, choices=IdentityKind, blank=True, default="", db_default="")
    identity_system = models.TextField(blank=True, default="", db_default="")  # '' is any
    identity_value = models.TextField(blank=True, default="", db_default="")
    reason = models.TextField(_("reason"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    requested_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    # Set by the database on confirming: what follows from a change happens in that very transaction or never.
    confirmed_in = models.BigIntegerField(null=True, editable=False)

    objects = PersonChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="change_kind_is_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(name="change_state_is_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="change_roles_are_known", condition=Q(roles__contained_by=Role.values)),
            models.CheckConstraint(
                name="change_names_roles_where_it_must",
                condition=Q(kind__in=sorted(WITHOUT_ROLES), roles=[])
                | ~Q(kind__in=sorted(WITHOUT_ROLES)) & ~Q(roles=[]),
            ),
            models.CheckConstraint(name="change_has_a_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="change_is_decided_by_somebody",
                condition=Q(state=State.PENDING, decided_by=None, decided_at=None)
                | ~Q(state=State.PENDING) & Q(decided_by__isnull=False, decided_at__isnull=False)
                | Q(state=State.CONFIRMED, kind=Kind.REVOKE, requested_by=None, decided_at__isnull=False)
                | Q(state=State.WITHDRAWN, requested_by=None, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="change_of_the_directory_is_of_roles",
                condition=Q(requested_by__isnull=False) | Q(kind__in=sorted(ASKED_BY_THE_DIRECTORY)),
            ),
            models.CheckConstraint(
                name="change_names_an_identity_where_it_must",
                condition=Q(kind__in=sorted(OF_IDENTITIES), identity_kind__in=IdentityKind.values)
                & Q(identity_value__regex=r"^\S(.*\S)?$")
                | ~Q(kind__in=sorted(OF_IDENTITIES)) & Q(identity_kind="", identity_system="", identity_value=""),
            ),
            models.CheckConstraint(
                name="change_is_confirmed_by_a_second_admin",
                condition=~Q(state=State.CONFIRMED) | ~Q(decided_by=F("requested_by")) & ~Q(decided_by=F("person")),
            ),
            models.UniqueConstraint(
                name="change_is_asked_once",
                fields=["person", "kind", "identity_kind", "identity_system", "identity_value"],
                condition=Q(state=State.PENDING),
            ),
        ]

    def __str__(self) -> str:
        roles = ", ".join(str(Role(role).label) for role in self.roles)
        return str(TITLES[self.kind]) % {"name": self.person.name, "roles": roles, "identity": self.identity}

    @property
    def identity(self) -> str:
        return told_identity(self.identity_kind, self.identity_system, self.identity_value)

    @property
    def is_of_the_directory(self) -> bool:
        return self.requested_by_id is None

    @property
    def asker(self) -> str:
        return self.requested_by.name if self.requested_by else _("the directory")


class SourceIdentity(models.Model):
    """Under what a source knows somebody of this console: whoever benefits from a request neither asks nor decides.

    Rows come and go only in the transaction that confirms a change: 0007_identities.sql.
    """

    site_privileges = ("SELECT", "INSERT", "DELETE")

    id = models.BigAutoField(primary_key=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="identities")
    kind = models.CharField(max_length=10, choices=IdentityKind)
    system = models.TextField(blank=True, default="")  # '' is any
    value = models.TextField()
    matched_at = models.DateTimeField()
    change = models.ForeignKey(PersonChange, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["kind", "system", "value"]
        constraints = [
            models.UniqueConstraint("person", "kind", "system", Lower("value"), name="identity_is_matched_once"),
            models.CheckConstraint(name="identity_kind_is_known", condition=Q(kind__in=IdentityKind.values)),
        ]
        indexes = [models.Index(Lower("value"), name="identity_by_value")]

    def __str__(self) -> str:
        return told_identity(self.kind, self.system, self.value)


def told_identity(kind: str, system: str, value: str) -> str:
    """An identity in words, with the system where it is known in one only."""
    label = str(IdentityKind(kind).label) if kind else ""
    return f"{label} {value} ({system})" if system else f"{label} {value}"


from accounts.memberships import Membership  # noqa: E402, F401 - a model of this app
