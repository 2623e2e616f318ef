"""manage.py imagegen_functions print|install|uninstall [--replace]: the two functions that the runbook calls."""

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, connections, transaction

from billingadmin.usage import Verb
from systems.imagegen.functions import NAMES, Step, creating, definition, installing, uninstalling

SLUG = "imagegen"
WRITER = f"{SLUG}_writer"
PLANS = {"install": installing, "uninstall": uninstalling}


class Command(Verb):
    help = "Print the functions that the runbook of imagegen calls, put them into its database, or take them out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("print", *PLANS))
        parser.add_argument("--replace", action="store_true", help="also replace, or drop, what has another body")

    def handle(self, *, action: str, replace: bool, **options: Any) -> None:
        if action == "print":
            self.print()
            return
        if WRITER not in connections.settings:
            raise CommandError("Set IMAGEGEN_WRITER_DATABASE_URL to a login that may create functions in public.")
        try:
            with transaction.atomic(using=WRITER), connections[WRITER].cursor() as cursor:
                self.carry_out(action, cursor, list(PLANS[action](cursor)), replace)
        except DatabaseError as error:
            raise CommandError(f"{_first_line(error)}. Nothing was changed.") from None

    def print(self) -> None:
        self.stdout.write("\n\n".join(f"{definition(name)};" for name in NAMES))
        if SLUG in connections.settings:
            self.stdout.write("\n" + "\n".join(f"-- {line}" for line in standing().splitlines()))

    def carry_out(self, action: str, cursor: Any, steps: Sequence[Step], replace: bool) -> None:
        """Tells every step, then takes them all or none, and has them recorded before the source commits."""
        self.stdout.write("\n".join(map(_told, steps)))
        if any(step.by_force for step in steps) and not replace:
            raise CommandError("Nothing was changed. With --replace, the above is done.")
        taken = [step for step in steps if step.statement]
        for step in taken:
            cursor.execute(step.statement, step.parameters)
        if taken:
            self.announce(f"runbook_functions_{action}ed", SLUG, steps=[step.what for step in taken])
        self.stdout.write("Done." if taken else "Nothing to do.")


def standing() -> str:
    """What install would do to the functions as the source has them, asked as whoever reads it."""
    try:
        with transaction.atomic(using=SLUG), connections[SLUG].cursor() as cursor:
            return "\n".join(map(_told, creating(cursor)))
    except DatabaseError as error:
        return f"What stands in the source could not be asked: {_first_line(error)}."


def _told(step: Step) -> str:
    return "\n".join(filter(None, (step.what, step.shown)))


def _first_line(error: DatabaseError) -> str:
    return str(error).strip().splitlines()[0]
