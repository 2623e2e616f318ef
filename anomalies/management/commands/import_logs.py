from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from anomalies.logs import Imported, import_lines
from anomalies.terminal import named_system
from audit.commands import operator
from audit.log import record
from billingadmin.usage import Verb, WrongUsage
from systems.base import System

MOST = 20


class Command(Verb):
    help = (
        "Brings in a system's log lines for its timelines: one JSON object a line with at, source, level, message, "
        "optional job_id and request_id."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("file", metavar="FILE")

    def handle(self, *, slug: str, file: str, **options: Any) -> None:
        system = named_system(slug)
        try:
            with open(file, "rb") as lines, transaction.atomic():
                imported = import_lines(system, lines)
                _record(system, file, imported)
        except OSError as error:
            raise WrongUsage(f"{file}: {error.strerror}.") from None
        self.stdout.write(
            f"{imported.read} lines read, {imported.added} added, {len(imported.unreadable)} could not be read."
        )
        for sentence in unreadable(imported):
            self.stderr.write(sentence)
        if imported.unreadable:
            raise CommandError("Not every line could be read.")


def _record(system: System, file: str, imported: Imported) -> None:
    record(
        actor=operator("import_logs"),
        action_type="logs_imported",
        target_type="system",
        target_id=system.slug,
        system=system.slug,
        metadata={
            "file": Path(file).name,
            "read": imported.read,
            "added": imported.added,
            "unreadable": len(imported.unreadable),
        },
    )


def unreadable(imported: Imported) -> list[str]:
    told = [f"line {number}: {why}" for number, why in list(imported.unreadable.items())[:MOST]]
    rest = list(imported.unreadable)[MOST:]
    return [*told, "and lines " + ", ".join(map(str, rest))] if rest else told
