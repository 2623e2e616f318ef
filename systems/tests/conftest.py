from datetime import UTC, datetime

import pytest
from django.db import connections

from systems.reading import Questions
from systems.tests.paperclips.system import SYSTEM

PAPERCLIPS = ["default", "owner", "paperclips", "paperclips_writer"]
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def shop():
    """Questions to the paperclip shop, on the connection its factories write to."""
    return Questions(SYSTEM, connections["paperclips"], NOW)
