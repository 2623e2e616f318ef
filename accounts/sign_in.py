"""Signing in: who is let in is decided by two admins, so nobody signs up. Who came in or tried to is recorded."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts import directory
from accounts.models import Person
from accounts.roles import Role
from audit.log import Actor, acting, record

SOMEBODY = Actor("nobody", "somebody who is not signed in")
LOCKED_FOR = 5 * 60  # seconds; the span of ACCOUNT_RATE_LIMITS


class Adapter(DefaultAccountAdapter):
    """allauth's questions about our house."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": _(
            "Too many failed sign-ins. Wait five minutes from the first of them and try again, "
            "or ask an admin whether somebody else is trying."
        ),
    }

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            record_locked_out(request, str(credentials.get("email", "")))
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        _record_attempt("sign_in_failed", request, str(credentials.get("email", "")))

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return request.user.home

    def pre_login(self, request: HttpRequest, user: Person, **details: Any) -> HttpResponse | None:
        by_directory = "sociallogin" in (details.get("signal_kwargs") or {})
        if user.is_active and not by_directory and Role.ADMIN not in user.roles and directory.belongs(user):
            return directory.sent_there(request, user)
        return super().pre_login(request, user, **details)

    def set_password(self, user: Person, password: str) -> None:
        with acting(user.actor):
            super().set_password(user, password)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return request.user.home


def record_locked_out(request: HttpRequest, email: str) -> None:
    """Once while it lasts: who goes on trying must not fill the log."""
    known = Person.objects.filter(email=email.lower()).values_list("pk", flat=True).first()
    if cache.add(f"locked-out:{known or request.META.get('REMOTE_ADDR', '')}", True, LOCKED_FOR):
        _record_attempt("sign_in_locked", request, email)


def _record_attempt(action: str, request: HttpRequest, email: str) -> None:
    """An address that nobody has is not kept: people type their password there."""
    person = Person.objects.filter(email=email.lower()).first()
    with transaction.atomic():
        record(
            actor=SOMEBODY,
            action_type=action,
            target_type="person" if person else "",
            target_id=str(person.pk) if person else "",
            outcome="refused",
            metadata={
                "address": request.META.get("REMOTE_ADDR", ""),
                "email": person.email if person else None,
            },
        )


def record_sign_in(request: HttpRequest, user: Person, **details: Any) -> None:
    _record("signed_in", request, user, by="directory" if "sociallogin" in details else "console")


def record_new_password(request: HttpRequest, user: Person, **details: Any) -> None:
    _record("password_changed", request, user)


def _record(action: str, request: HttpRequest, person: Person, **details: str) -> None:
    address = request.META.get("REMOTE_ADDR", "")
    with transaction.atomic():
        record(
            actor=person.actor,
            action_type=action,
            target_type="person",
            target_id=str(person.pk),
            metadata={"address": address, **details},
        )
