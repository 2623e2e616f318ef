"""manage.py check_source [SLUG…]: compares each source with what its room needs."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from billingadmin.usage import Verb, WrongUsage
from systems import registry
from systems.base import System
from systems.needs import shortfalls
from systems.reading import SourceUnavailable, reading


class Command(Verb):
    help = "Compare each source with what its room needs: tables, columns, indexes, rights, row policies."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG")

    def handle(self, *, slugs: list[str], **options: Any) -> None:
        try:
            systems = [registry.get(slug) for slug in slugs] or registry.all_systems()
        except registry.UnknownSystem as error:
            raise WrongUsage(error) from None
        healthy = [self.check_system(system) for system in systems]
        if not all(healthy):
            raise SystemExit(1)

    def check_system(self, system: System) -> bool:
        """Prints what is missing; true when everything works, if slowly."""
        try:
            with reading(system, now=timezone.now()) as source:
                found = list(shortfalls(system, source))
        except SourceUnavailable as error:
            self.stdout.write(f"{system.slug}: {error.reason}\n    {error.remedy}")
            return False
        self.stdout.write(f"{system.slug}: {_summary(len(found))}")
        for shortfall in found:
            self.stdout.write(f"  {'✗' if shortfall.grave else '·'} {shortfall.what}\n    {shortfall.remedy}")
        return not any(shortfall.grave for shortfall in found)


def _summary(count: int) -> str:
    return "everything is there." if not count else f"{count} to mend."
