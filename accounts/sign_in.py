"""Signing in: who is let in is decided by two admins, so nobody signs up; who came in is recorded."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.http import HttpRequest

from accounts.models import Person
from audit.log import record


class Adapter(DefaultAccountAdapter):
    """allauth's questions about our house."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return request.user.home

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return request.user.home


def record_sign_in(request: HttpRequest, user: Person, **details: Any) -> None:
    _record("signed_in", request, user)


def record_new_password(request: HttpRequest, user: Person, **details: Any) -> None:
    _record("password_changed", request, user)


def _record(action: str, request: HttpRequest, person: Person) -> None:
    address = request.META.get("REMOTE_ADDR", "")
    with transaction.atomic():
        record(
            actor=person.actor,
            action_type=action,
            target_type="person",
            target_id=str(person.pk),
            metadata={"address": address},
        )
