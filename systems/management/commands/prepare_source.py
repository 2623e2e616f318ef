"""manage.py prepare_source SLUG [--apply]: the key table beside the ledger, and the recommended indexes."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, connections

from billingadmin.sql import statement
from billingadmin.usage import Verb, WrongUsage
from systems import registry
from systems.base import System
from systems.reading import is_connected

APPLIED = Path(__file__).parents[2] / "applied.sql"


class Command(Verb):
    help = "Print the statements that prepare a source, or with --apply run them as its writer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("--apply", action="store_true", help="run the statements instead of printing them")

    def handle(self, *, slug: str, apply: bool, **options: Any) -> None:
        try:
            system = registry.get(slug)
        except registry.UnknownSystem as error:
            raise WrongUsage(error) from None
        if apply:
            self.apply(system)
        else:
            self.stdout.write(f"-- Run these on the database of {system.slug}, as the owner of its tables.")
            self.stdout.write("\n\n".join(f"{sql};" for sql in statements(system)))

    def apply(self, system: System) -> None:
        alias = f"{system.slug}_writer"
        if not is_connected(alias):
            raise CommandError(f"Set {alias.upper()}_DATABASE_URL to a login that may create tables there.")
        wanted = statements(system)
        # No transaction holds them all (an index is built beside the work), so what is to come is recorded as well.
        self.announce("source_preparation_begun", system.slug, statements=wanted)
        for number, sql in enumerate(wanted):
            self.stdout.write(f"{sql};")
            try:
                with connections[alias].cursor() as cursor:
                    cursor.execute(sql)
            except DatabaseError as error:
                reason = str(error).strip().splitlines()[0]
                self.announce("source_prepared", system.slug, outcome="failed", error=reason, statements_run=number)
                raise CommandError(f"{reason}. Nothing after this statement was run.") from None
        self.announce("source_prepared", system.slug, statements_run=len(wanted))
        self.stdout.write(f"{system.slug} is prepared.")


def statements(system: System) -> list[str]:
    key_table = statement(APPLIED, f"key_table_{system.engine}")
    return [key_table, *(index.statement for index in system.indexes)]
