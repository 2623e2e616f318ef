import json
from argparse import ArgumentParser
from datetime import UTC
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from billingadmin.usage import Verb, WrongUsage
from health import probing
from health.models import Reading
from systems import registry
from systems.base import System
from systems.reading import is_connected


class Command(Verb):
    help = "Takes a reading of every probe, of all connected systems or of those named, and stores it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG", help="a system; all that are connected, if none")
        parser.add_argument("--json", action="store_true", help="one JSON object a reading, a line each")

    def handle(self, *, slugs: list[str], json: bool, **options: Any) -> None:
        now = timezone.now()
        systems = _systems(slugs)
        readings = [reading for system in systems for reading in probing.probe(system, now)]
        for reading in readings:
            self.stdout.write(_as_json(reading) if json else _as_text(reading))
        self.stderr.write(f"{len(readings)} readings of {len(systems)} systems.")
        if failures := [reading for reading in readings if "failure" in reading.detail]:
            raise CommandError(f"{len(failures)} of them could not be taken: {failures[0].why}")


def _systems(slugs: list[str]) -> list[System]:
    if not slugs:
        return [system for system in registry.all_systems() if is_connected(system.slug)]
    try:
        systems = [registry.get(slug) for slug in slugs]
    except registry.UnknownSystem as unknown:
        raise WrongUsage(unknown) from None
    for system in systems:
        if not is_connected(system.slug):
            raise CommandError(f"{system.slug} is not connected. Set {system.slug.upper()}_DATABASE_URL.")
    return systems


def _as_json(reading: Reading) -> str:
    """One line of JSON Lines; scripts rely on these keys."""
    line = {
        "system": reading.system,
        "probe": reading.probe,
        "level": str(reading.level),
        "value": reading.value,
        "unit": reading.unit,
        "measured_at": reading.measured_at.astimezone(UTC).isoformat(),
        "detail": reading.detail,
    }
    return json.dumps(line, ensure_ascii=False, cls=DjangoJSONEncoder)


def _as_text(reading: Reading) -> str:
    value = "–" if reading.value is None else f"{reading.value} {reading.unit}"
    return f"{reading.system:<10} {reading.level:<9} {reading.probe:<36} {value:<18} {reading.why}"
