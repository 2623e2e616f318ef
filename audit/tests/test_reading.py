"""Who read the log is itself recorded: a row at once, one entry in the chain for many of them."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, connections, transaction

from audit import reading
from audit.factories import AIKO
from audit.models import Entry, Reading

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def test_readings_are_sealed_once_with_one_entry():
    reading.note(AIKO, "search", now=NOW, asked={"q": "job-7"})
    reading.note(AIKO, "entry", now=NOW, asked={"position": 7})

    assert reading.seal(NOW) == 2
    assert reading.seal(NOW) == 0

    entry = Entry.objects.get(action_type="audit_log_read")
    assert (entry.metadata["count"], entry.metadata["readers"]) == (2, {AIKO.id: 2})
    assert set(Reading.objects.values_list("sealed_by", flat=True)) == {entry.position}


def test_the_seal_tells_a_reading_that_was_changed():
    reading.note(AIKO, "search", now=NOW, asked={"q": "job-7"})
    reading.seal(NOW)
    sealed = list(Reading.objects.order_by("id"))

    assert reading.digest(sealed) == Entry.objects.get().metadata["digest"]
    sealed[0].asked = {}
    assert reading.digest(sealed) != Entry.objects.get().metadata["digest"]


@pytest.mark.parametrize(
    "statement",
    ["update audit_reading set what = 'entry'", "delete from audit_reading", "truncate audit_reading"],
)
def test_the_site_cannot_change_what_was_read(statement):
    reading.note(AIKO, "search", now=NOW)

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement)


# Verified ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def seal():
    """Two readings under one seal, whose position is answered."""
    reading.note(AIKO, "search", now=NOW, asked={"q": "job-7"})
    reading.note(AIKO, "entry", now=NOW)
    reading.seal(NOW)
    return Entry.objects.get(action_type="audit_log_read").position


def test_readings_as_they_were_sealed_raise_no_alarm(seal):
    reading.note(AIKO, "search", now=NOW)

    assert list(reading.discrepancies()) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("update audit_reading set what = 'export' where what = 'entry'", "readings_not_as_sealed"),
        ("delete from audit_reading where what = 'entry'", "readings_not_as_sealed"),
        ("delete from audit_reading", "readings_gone"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_a_reading_that_an_owner_changes_breaks_its_seal(seal, change, what):
    connections["owner"].cursor().execute(change)

    assert [(one.what, one.position) for one in reading.discrepancies()] == [(what, seal)]


def test_a_reading_cannot_name_a_seal_of_its_own(seal):
    Reading.objects.create(at=NOW, actor_id="x", actor="x", what="entry", correlation_id="", sealed_by=seal + 100)

    assert [one.position for one in reading.discrepancies()] == [seal + 100]
