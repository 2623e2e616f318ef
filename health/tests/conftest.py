"""The paperclip shop, with the probes a test wants it to have."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from systems import registry
from systems.base import Level, Measurement, Probe
from systems.tests.paperclips.system import SYSTEM

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def probe(code, measure=None, unit="orders", **more):
    """A probe by code that sees one calm order, or what ``measure`` sees."""
    seen = measure or (lambda source: Measurement(level=Level.OK, value=1, why=f"{code} is calm."))
    return Probe(code=code, title=f"The {code}", unit=unit, measure=seen, **more)


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def shop(monkeypatch, settings):
    """The only system there is, with these probes and none of the engines': ``shop(probe("till"))``."""
    settings.ENGINE_PROBES = ()

    def with_probes(*probes, **changes):
        system = replace(SYSTEM, probes=probes or SYSTEM.probes, **changes)
        monkeypatch.setattr(registry, "all_systems", lambda: (system,))
        return system

    return with_probes
