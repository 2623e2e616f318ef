"""Reading cannot write, cannot hang, and says what would mend a source that does not answer."""

import pytest
from django.db import connections

from systems.reading import SourceUnavailable, reading
from systems.tests.conftest import NOW, PAPERCLIPS
from systems.tests.paperclips.factories import OrderFactory
from systems.tests.paperclips.system import SYSTEM

pytestmark = pytest.mark.django_db(databases=PAPERCLIPS)


def test_what_was_written_is_read(shop):
    OrderFactory(id=1, state="open")

    assert shop.one("order", order=1)["state"] == "open"


def test_reading_refuses_to_write():
    with pytest.raises(SourceUnavailable, match="read-only"), reading(SYSTEM, now=NOW) as source:
        source.run("delete from orders returning id", {})


def test_after_reading_the_connection_is_as_it_was():
    before = setting("statement_timeout"), setting("row_security")

    with reading(SYSTEM, now=NOW, timeout_ms=1234):
        assert setting("statement_timeout") == "1234ms"

    assert (setting("statement_timeout"), setting("row_security")) == before
    OrderFactory(id=1)


def test_a_question_that_takes_too_long_is_stopped():
    with pytest.raises(SourceUnavailable, match="timeout"), reading(SYSTEM, now=NOW, timeout_ms=20) as source:
        source.run("select pg_sleep(5)", {})


def test_a_missing_column_is_named_with_what_would_mend_it():
    with pytest.raises(SourceUnavailable, match="colour") as refusal, reading(SYSTEM, now=NOW) as source:
        source.run("select colour from orders", {})

    assert "check_source paperclips" in refusal.value.remedy


def test_a_system_without_a_url_is_not_connected(monkeypatch):
    monkeypatch.setattr("systems.reading.is_connected", lambda slug: False)

    with pytest.raises(SourceUnavailable, match="not connected") as refusal, reading(SYSTEM, now=NOW):
        pass

    assert "PAPERCLIPS_DATABASE_URL" in refusal.value.remedy


def test_two_rows_where_one_was_asked_for_is_an_error(shop, monkeypatch):
    OrderFactory.create_batch(2)
    monkeypatch.setattr(shop, "statement", lambda name: "select id from orders")

    with pytest.raises(ValueError, match="2 rows"):
        shop.one("order")


def setting(name):
    with connections["paperclips"].cursor() as cursor:
        cursor.execute("select current_setting(%s)", [name])
        return cursor.fetchone()[0]
