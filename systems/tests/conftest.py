from datetime import UTC, datetime

import pytest

from systems.reading import reading
from systems.tests.paperclips.system import SYSTEM

PAPERCLIPS = ["default", "owner", "paperclips", "paperclips_writer"]
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def shop():
    """Questions to the paperclip shop."""
    with reading(SYSTEM, now=NOW) as source:
        yield source
