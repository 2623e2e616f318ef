"""How each system stands: the latest reading of every probe, and the worst of them. From stored rows alone.

What is not known is never shown as healthy: no reading, a stale one and one that could not be taken are ``unknown``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.utils.translation import gettext as _

from billingadmin.retelling import retold
from billingadmin.sql import statement
from health.contributions import probes_of
from health.models import Reading
from systems.base import Level, Probe, System
from systems.reading import is_connected

SQL = Path(__file__).with_name("readings.sql")
PROBE_CRON = "*/5 * * * *"
STALE_AFTER = timedelta(minutes=10)  # two periods of that schedule
RANK = [Level.OK, Level.UNKNOWN, Level.WARNING, Level.CRITICAL]  # from best to worst


@dataclass(frozen=True)
class Standing:
    """One probe and what it saw last."""

    probe: Probe
    reading: Reading | None
    is_stale: bool

    @property
    def level(self) -> Level:
        if self.reading is None or (self.is_stale and self.reading.level == Level.OK):
            return Level.UNKNOWN
        return Level(self.reading.level)

    @property
    def why(self) -> str:
        return retold(self.reading.why) if self.reading else _("It has not been measured yet.")


@dataclass(frozen=True)
class Board:
    """One system and all its probes."""

    system: System
    is_connected: bool
    standings: Sequence[Standing]

    @property
    def level(self) -> Level:
        return worst([standing.level for standing in self.standings] if self.is_connected else [])

    @property
    def troubles(self) -> list[Standing]:
        """What is not ok, the worst first."""
        troubled = [standing for standing in self.standings if standing.level != Level.OK]
        return sorted(troubled, key=lambda standing: RANK.index(standing.level), reverse=True)

    @property
    def measured_at(self) -> datetime | None:
        return max((standing.reading.measured_at for standing in self.standings if standing.reading), default=None)

    @property
    def variable(self) -> str:
        """What to set so that the system is connected."""
        return f"{self.system.slug.upper()}_DATABASE_URL"

    @property
    def ok_count(self) -> int:
        return self._count(Level.OK)

    @property
    def unknown_count(self) -> int:
        return self._count(Level.UNKNOWN)

    @property
    def warning_count(self) -> int:
        return self._count(Level.WARNING)

    @property
    def critical_count(self) -> int:
        return self._count(Level.CRITICAL)

    def _count(self, level: Level) -> int:
        return sum(standing.level == level for standing in self.standings)


def worst(levels: Iterable[Level]) -> Level:
    """The worst level; of nothing, nothing is known."""
    return max(levels, key=RANK.index, default=Level.UNKNOWN)


def boards(systems: Sequence[System], now: datetime) -> list[Board]:
    readings = latest(systems)
    return [
        Board(
            system=system,
            is_connected=is_connected(system.slug),
            standings=[_standing(probe, readings.get((system.slug, probe.code)), now) for probe in probes_of(system)],
        )
        for system in systems
    ]


def _standing(probe: Probe, reading: Reading | None, now: datetime) -> Standing:
    return Standing(probe, reading, is_stale=reading is not None and now - reading.measured_at > STALE_AFTER)


def latest(systems: Sequence[System]) -> dict[tuple[str, str], Reading]:
    """The newest reading of every probe, by slug and code, in one query."""
    asked = [(system.slug, probe.code) for system in systems for probe in probes_of(system)]
    parameters = {"systems": [slug for slug, _code in asked], "probes": [code for _slug, code in asked]}
    found = Reading.objects.raw(statement(SQL, "latest_of_each"), parameters)
    return {(reading.system, reading.probe): reading for reading in found}
