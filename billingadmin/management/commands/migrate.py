from argparse import ArgumentParser
from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from billingadmin import privileges

LOCK = "select pg_advisory_lock(hashtext('billingadmin.migrate'))"
UNLOCK = "select pg_advisory_unlock(hashtext('billingadmin.migrate'))"


class Command(migrate.Command):
    help = "Brings the console's tables and the site's rights to them up to date, as their owner; one at a time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        with connections[options["database"]].cursor() as cursor:
            cursor.execute(LOCK)
        try:
            super().handle(*args, **options)
            if options["database"] == "owner" and not (options["plan"] or options["check_unapplied"]):
                privileges.apply()
        finally:
            with connections[options["database"]].cursor() as cursor:
                cursor.execute(UNLOCK)
