"""manage.py create_person EMAIL NAME --role ROLE [--role ROLE] [--password-stdin]: the first people of a console."""

import secrets
import sys
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.core.validators import validate_email
from django.utils import timezone

from accounts import changes
from accounts.models import Person
from accounts.roles import Role
from billingadmin.usage import Verb, WrongUsage


class Command(Verb):
    requires_system_checks = []
    help = "Bring in the first people of an empty console, up to two admins; whoever comes later is added on /people/."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--role", action="append", required=True, choices=Role.values, metavar="ROLE", dest="roles")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *, password_stdin: bool, **options: Any) -> None:
        wanted = {name: options[name] for name in ("email", "name", "roles")}
        generated = not password_stdin
        password = secrets.token_urlsafe(15) if generated else sys.stdin.readline().rstrip("\r\n")
        person = created(**wanted, password=password, now=timezone.now())
        self.stdout.write(f"{person.name} can sign in as {person.email} ({', '.join(wanted['roles'])}).")
        if generated:
            self.stdout.write(f"Password: {password}")
        self.stdout.write(what_is_next())


def created(*, email: str, name: str, roles: list[str], password: str, now: datetime) -> Person:
    """The person, or one line that says why not: exit 2 when the words are wrong, 1 when the console says no."""
    email, name = email.strip().lower(), name.strip()
    if not name:
        raise WrongUsage("NAME is empty.")
    try:
        validate_email(email)
    except ValidationError:
        raise WrongUsage(f"“{email}” is not an e-mail address.") from None
    try:
        validate_password(password, Person(email=email, name=name))
        return changes.found(email=email, name=name, roles=list(dict.fromkeys(roles)), password=password, now=now)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    except changes.Refusal as refusal:
        raise CommandError(str(refusal)) from None


def what_is_next() -> str:
    missing = 2 - Person.objects.active().holding(Role.ADMIN).count()
    if missing > 0:
        return f"Admins still to create before roles can be changed on the People page: {missing}."
    return "The console has its two admins: whoever comes next is added on the People page."
