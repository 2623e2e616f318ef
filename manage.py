#!/usr/bin/env python3
"""Runs one command of the console: ``python3 manage.py help`` lists them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PYTHON = Path(__file__).resolve().parent / ".venv" / "bin" / "python"
WITHOUT_DATABASE = {"help", "--help", "-h", "version", "--version", "collectstatic", "compilemessages", "makemessages"}
WRONG_USAGE = 2


def use_our_python() -> None:
    """Starts again with the Python of .venv, unless this is one that somebody prepared: a machine's own has no Django,
    or another one."""
    prepared = sys.prefix != sys.base_prefix or os.environ.get("DJANGO_SETTINGS_MODULE")
    if not prepared and PYTHON.exists():
        os.execv(PYTHON, [str(PYTHON), *sys.argv])
    try:
        import django  # noqa: F401
    except ImportError:
        sys.exit("Django is not installed. Run script/bootstrap once.")


@contextmanager
def database(command: str) -> Iterator[None]:
    """The embedded PostgreSQL for as long as the command runs, where DATABASE_URL names no other."""
    from django.conf import settings
    from django.db import connections

    from billingadmin.postgres import embedded, roles

    if command in WITHOUT_DATABASE or not settings.EMBEDDED:
        yield
        return
    lease = embedded.hold("site")
    try:
        roles.prepare("site", settings.ENGINES if settings.DEMO else {})
        yield
    finally:
        connections.close_all()
        lease.close()


def run(arguments: list[str]) -> None:
    from django.core.management import ManagementUtility, get_commands

    class Utility(ManagementUtility):
        def fetch_command(self, subcommand: str) -> object:
            if subcommand not in get_commands():
                print(f"There is no command “{subcommand}”. “manage.py help” lists them.", file=sys.stderr)
                sys.exit(WRONG_USAGE)
            return super().fetch_command(subcommand)

    command = arguments[1] if len(arguments) > 1 else "help"
    if command != "runserver":  # what serves pages gets no right to write to a source
        os.environ.setdefault("BILLINGADMIN_WRITERS", "1")
    with database(command):
        Utility(arguments).execute()


def main() -> int:
    """Runs the command; what a person can mend is told in one line."""
    from django.core.exceptions import ImproperlyConfigured

    from billingadmin.postgres import PostgresError

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billingadmin.settings")
    try:
        run(sys.argv)
    except (ImproperlyConfigured, PostgresError) as error:
        print(error, file=sys.stderr)
        return os.EX_CONFIG if isinstance(error, ImproperlyConfigured) else os.EX_UNAVAILABLE
    return 0


if __name__ == "__main__":
    use_our_python()
    sys.exit(main())
