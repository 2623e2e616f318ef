#!/usr/bin/env python3
"""Runs one command of the console: ``python3 manage.py help`` lists them."""

import os
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent
WITHOUT_DATABASE = {"help", "--help", "-h", "version", "--version", "collectstatic", "compilemessages", "makemessages"}


def use_our_python() -> None:
    """Starts again with the Python of .venv when this one has no Django."""
    try:
        import django  # noqa: F401
    except ImportError:
        python = HOME / ".venv" / "bin" / "python"
        if not python.exists() or Path(sys.prefix) == HOME / ".venv":
            sys.exit("Django is not installed. Run script/bootstrap once.")
        os.execv(python, [str(python), *sys.argv])


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billingadmin.settings")
    command = arguments[1] if len(arguments) > 1 else "help"
    if command != "runserver":  # what serves pages gets no right to write to a source
        os.environ.setdefault("BILLINGADMIN_WRITERS", "1")
    from django.conf import settings
    from django.core.management import execute_from_command_line

    from billingadmin.postgres import embedded, roles

    lease = None
    if command not in WITHOUT_DATABASE and settings.EMBEDDED:
        lease = embedded.hold("site")
        roles.prepare("site", settings.ENGINES if embedded.wants_demo(settings.ENGINES) else {})
    try:
        execute_from_command_line(arguments)
    finally:
        if lease:
            from django.db import connections

            connections.close_all()
            lease.close()


def told() -> int:
    """main, with the failures a person can mend told in one line."""
    from django.core.exceptions import ImproperlyConfigured

    from billingadmin.postgres import PostgresError

    try:
        main(sys.argv)
    except ImproperlyConfigured as error:
        print(f"{error}", file=sys.stderr)
        return os.EX_CONFIG
    except PostgresError as error:
        print(f"{error}", file=sys.stderr)
        return os.EX_UNAVAILABLE
    return 0


if __name__ == "__main__":
    use_our_python()
    sys.exit(told())
