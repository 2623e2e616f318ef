from datetime import UTC, datetime

import pytest

from anomalies.detection import detect
from audit.log import SYSTEM_ACTOR
from systems.tests.paperclips.system import SYSTEM

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def run(db):
    """One detection run of the paperclip shop, at noon unless said otherwise."""

    def run(system=SYSTEM, *, now=NOW, **options):
        return detect(system, now=now, actor=SYSTEM_ACTOR, **options)

    return run
