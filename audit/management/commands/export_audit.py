"""manage.py export_audit FILE: the whole audit log with its manifest and verifier, as one zip."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from audit import export
from audit.commands import operator
from billingadmin.usage import Verb


class Command(Verb):
    requires_system_checks = []
    help = "Write the whole audit log into a zip, with its manifest and a verifier that needs Python alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **options: Any) -> None:
        last = export.begin(operator("export_audit"))
        try:
            with file.open("xb") as target:
                target.writelines(export.archive(last, timezone.now()))
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from None
        self.stdout.write(f"{last:,} entries are in {file}. Verify: unzip it, and run python3 verify_audit_export.py.")
