"""manage.py imagegen_functions print|install|uninstall [--replace]: the two functions that the runbook calls."""

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, connections, transaction

from billingadmin.usage import Verb
from systems.imagegen.functions import NAMES, Step, definition, installing, uninstalling

WRITER = "imagegen_writer"
PLANS = {"install": installing, "uninstall": uninstalling}


class Command(Verb):
    help = "Print the functions that the runbook of imagegen calls, put them into its database, or take them out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("print", *PLANS))
        parser.add_argument("--replace", action="store_true", help="also replace, or drop, what has another body")

    def handle(self, *, action: str, replace: bool, **options: Any) -> None:
        if action == "print":
            self.stdout.write("\n\n".join(f"{definition(name)};" for name in NAMES))
            return
        if WRITER not in connections.settings:
            raise CommandError("Set IMAGEGEN_WRITER_DATABASE_URL to a login that may create functions in public.")
        try:
            with transaction.atomic(using=WRITER), connections[WRITER].cursor() as cursor:
                self.carry_out(cursor, list(PLANS[action](cursor)), replace)
        except DatabaseError as error:
            raise CommandError(f"{str(error).strip().splitlines()[0]}. Nothing was changed.") from None

    def carry_out(self, cursor: Any, steps: Sequence[Step], replace: bool) -> None:
        """Tells every step, then takes them all or none."""
        for step in steps:
            self.stdout.write("\n".join(filter(None, (step.difference, step.what))))
        if any(step.by_force for step in steps) and not replace:
            raise CommandError("Nothing was changed. With --replace, the above is done.")
        for step in steps:
            if step.statement:
                cursor.execute(step.statement, step.parameters)
        self.stdout.write("Done." if any(step.statement for step in steps) else "Nothing to do.")
