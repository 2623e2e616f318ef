from datetime import timedelta

import pytest
from django.db import connections

from systems.imagegen.factories import MOMENT
from systems.imagegen.system import SYSTEM
from systems.reading import reading

NOW = MOMENT + timedelta(minutes=5)


@pytest.fixture
def now():
    return NOW


class Asked:
    """Questions to the source, each in a read-only transaction of its own, so that a test may write in between."""

    now = NOW

    def rows(self, name, **parameters):
        with reading(SYSTEM, now=self.now) as source:
            return source.rows(name, **parameters)

    def one(self, name, **parameters):
        with reading(SYSTEM, now=self.now) as source:
            return source.one(name, **parameters)


@pytest.fixture
def source(db):
    """Questions to the source, asked five minutes after the moment at which the factories' rows were made."""
    return Asked()


@pytest.fixture
def cursor(db):
    """A cursor of the writer."""
    with connections["imagegen_writer"].cursor() as cursor:
        yield cursor
