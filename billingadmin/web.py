"""The web server of ``script/server``: sets up, then serves from the same process, so that Django is loaded once.

Elsewhere the two are ``manage.py set_up`` and any WSGI server with ``billingadmin.wsgi``.
"""

import os
import sys

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connections
from gunicorn.app.wsgiapp import WSGIApplication

from billingadmin.postgres import PostgresError


def main(address: str) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billingadmin.settings")
    try:
        django.setup()
        call_command("set_up")
    except (CommandError, ImproperlyConfigured, PostgresError) as error:
        print(error, file=sys.stderr)
        return getattr(error, "returncode", os.EX_CONFIG)
    forget_owner()
    serve(address)
    return 0


def forget_owner() -> None:
    """What serves pages has no right to migrate, once that is done."""
    connections.close_all()  # the workers open their own
    os.environ.pop("DATABASE_OWNER_URL", None)
    settings.DATABASES["owner"] = settings.DATABASES["default"]
    del connections["owner"]


def serve(address: str) -> None:
    size = ["--preload", "--workers", str(settings.WEB_WORKERS), "--threads", str(settings.WEB_THREADS)]
    sys.argv = ["gunicorn", "billingadmin.wsgi", "--bind", address, "--log-level", "warning", *size]
    WSGIApplication("%(prog)s").run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
