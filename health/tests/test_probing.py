"""Asks every probe by itself, and keeps what it saw or why it saw nothing."""

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils.translation import gettext_lazy

from health import probing
from health.factories import ReadingFactory
from health.models import Reading
from health.tests.conftest import NOW, probe
from systems.base import Level, Measurement, Personal, Unrecognised
from systems.tests.paperclips.factories import OrderFactory

pytestmark = pytest.mark.django_db


def sees(**what):
    return lambda source: Measurement(**{"level": Level.OK, "value": 1, "why": "calm", **what})


def fails(source):
    raise KeyError("till")


def test_a_reading_of_each_probe_is_stored_as_it_was_seen(shop):
    OrderFactory(state="shipped")

    (reading,) = probing.probe(shop(), NOW)

    stored = Reading.objects.get()
    assert stored == reading
    assert (stored.system, stored.probe, stored.level, stored.value, stored.unit) == (
        "paperclips", "shipped", "ok", 1, "orders"
    )  # fmt: skip
    assert (stored.why, stored.measured_at) == ("1 orders are shipped.", NOW)


def test_a_probe_that_raises_is_unknown_with_its_reason_and_stops_no_other(shop):
    first, broken, last = probing.probe(shop(probe("till"), probe("safe", fails), probe("shelf")), NOW)

    assert (first.level, broken.level, last.level) == ("ok", "unknown", "ok")
    assert broken.why == "The probe itself failed: KeyError: 'till'"
    assert broken.detail == {"failure": "KeyError"}


def test_a_probe_that_takes_too_long_is_unknown(shop, monkeypatch):
    monkeypatch.setattr(probing, "PROBE_TIMEOUT_MS", 50)

    def dawdles(source):
        return source.run("select pg_sleep(5)", {})

    slow, quick = probing.probe(shop(probe("till", dawdles), probe("shelf")), NOW)

    assert slow.level == "unknown"
    assert "statement timeout" in slow.why
    assert quick.level == "ok"


def test_a_source_that_misses_a_table_is_unknown_with_what_mends_it(shop):
    def asks(source):
        return source.run("select * from drawers", {})

    (reading,) = probing.probe(shop(probe("till", asks)), NOW)

    assert "drawers" in reading.why
    assert "check_source paperclips" in reading.detail["remedy"]


def test_a_source_that_is_down_is_asked_once_and_all_its_probes_are_unknown(shop, monkeypatch):
    knocks, reading = [], probing.reading
    monkeypatch.setattr(probing, "reading", lambda *a, **k: knocks.append(1) or reading(*a, **k))
    monkeypatch.delitem(connections.settings, "paperclips")

    readings = probing.probe(shop(probe("till"), probe("shelf")), NOW)

    assert len(knocks) == 1
    assert [(reading.level, reading.value) for reading in readings] == [("unknown", None)] * 2
    assert readings[0].why == "The source does not answer: not connected"


@pytest.mark.parametrize(
    "broken",
    [
        sees(value=None),
        sees(level="unknown"),
        sees(level="splendid"),
        sees(value=1.5),
        sees(value=True),
        sees(value=2**70),
        sees(why=""),
        sees(why="a \x00 b"),
        sees(detail={"text": "a \x00 b"}),
        sees(detail={"thing": object()}),
        sees(detail={"half": "\udc80"}),
        lambda source: None,
    ],
)
def test_what_breaks_the_contract_is_unknown_and_stops_no_other(shop, broken):
    odd, calm = probing.probe(shop(probe("till", broken), probe("shelf")), NOW)

    assert (odd.level, odd.value, calm.level) == ("unknown", None, "ok")
    assert odd.why.startswith("The probe itself failed: ")
    assert Reading.objects.count() == 2


def test_a_detail_is_kept_as_text_and_personal_data_stays_masked(shop):
    detail = {
        gettext_lazy("who"): Personal("ada@example.com"),
        "rows": ({"state": Unrecognised("mislaid"), "at": NOW},),
        "labels": {gettext_lazy("open"): 3},
    }

    probing.probe(shop(probe("till", sees(detail=detail))), NOW)

    kept = Reading.objects.get().detail
    assert "ada@example.com" not in str(kept)
    assert kept["rows"] == [{"state": "mislaid", "at": "2026-11-02T12:00:00Z"}]
    assert kept["labels"] == {"open": 3}


def test_probes_cannot_write_to_the_source(shop):
    def scribbles(source):
        return source.run("insert into orders (id) values (1)", {})

    (reading,) = probing.probe(shop(probe("till", scribbles)), NOW)

    assert "read-only" in reading.why


@pytest.mark.parametrize(
    ("broken", "constraint"),
    [
        ({"level": "splendid"}, "reading_level_is_known"),
        ({"level": "unknown"}, "reading_has_a_value_unless_unknown"),
        ({"value": None}, "reading_has_a_value_unless_unknown"),
        ({"why": ""}, "reading_says_why"),
    ],
)
def test_the_database_refuses_a_reading_that_cannot_be(broken, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ReadingFactory(measured_at=NOW, **broken)
