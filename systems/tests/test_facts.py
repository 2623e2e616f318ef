"""Detection and explanation share one judge; a compiled rule and an evaluated one say the same."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections

from systems import facts
from systems.base import Verdict
from systems.tests.conftest import NOW, PAPERCLIPS
from systems.tests.paperclips.factories import OrderFactory, PaymentFactory
from systems.tests.paperclips.system import SYSTEM

pytestmark = pytest.mark.django_db(databases=PAPERCLIPS)
ORDERS, DOUBLES = SYSTEM.facts
WHOLE = facts.Window()


def found(source, on=ORDERS, window=WHOLE):
    return {finding.subject: finding for finding in facts.findings(SYSTEM, source, on, window)}


def test_a_rule_finds_what_matches_and_nothing_else(shop):
    OrderFactory(id=1, shipped=True)
    OrderFactory(id=2)
    OrderFactory(id=3, shipped=True)
    PaymentFactory(order_id=3)

    assert set(found(shop)) == {"1"}


def test_a_finding_says_what_who_when_and_how_much(shop):
    OrderFactory(id=7, shipped=True, total=500)

    finding = found(shop)["7"]

    assert (finding.rule, finding.kind, finding.amount, finding.unit) == ("shipped_unpaid", "order", 500, "JPY")
    assert finding.fingerprint == "paperclips:shipped_unpaid:7"
    assert finding.facts["customer"] == "Hanako"
    assert finding.facts["changed_at"] == "2026-11-02T03:00:00+00:00"


@pytest.mark.parametrize(
    ("found_there", "amount"), [("500", 500), ("five hundred", None), ("12.5", None), (None, None)]
)
def test_text_where_a_number_should_be_is_kept_and_stops_nothing(found_there, amount):
    rule, row = SYSTEM.rules[0], {"order_id": "7", "changed_at": NOW, "sample": False, "total": found_there}

    finding = facts.judged(SYSTEM, rule, row)

    assert (finding.amount, finding.unit) == (amount, "JPY" if amount else None)
    assert finding.facts["total"] == found_there


def test_what_breaks_the_pattern_by_design_is_expected(shop):
    OrderFactory(id=1, sample=True)

    assert found(shop)["1"].verdict == Verdict.EXPECTED


def test_the_start_of_a_window_is_inside_and_its_end_is_not(shop):
    OrderFactory(id=1, shipped=True, changed_at=NOW - timedelta(hours=2))
    OrderFactory(id=2, shipped=True, changed_at=NOW)

    window = facts.Window(since=NOW - timedelta(hours=2), until=NOW)

    assert set(found(shop, window=window)) == {"1"}


@pytest.mark.parametrize("on", [ORDERS, DOUBLES], ids=["queried", "computed"])
def test_a_window_over_everything_finds_what_a_whole_sweep_finds(shop, on):
    fill()

    everything = facts.Window(since=NOW - timedelta(days=9), until=NOW + timedelta(days=9))

    assert found(shop, on)
    assert found(shop, on, everything) == found(shop, on)


def test_computed_facts_are_judged_by_the_same_rules(shop):
    OrderFactory(id=1)
    PaymentFactory.create_batch(2, order_id=1)
    OrderFactory(id=2)
    PaymentFactory(order_id=2)

    assert set(found(shop, DOUBLES)) == {"1"}
    assert found(shop, DOUBLES)["1"].amount == 500


def test_judging_some_subjects_says_what_detection_says_of_them(shop):
    fill()

    one_by_one = {f.subject: f for f in facts.judge(SYSTEM, shop, ORDERS, [str(number) for number in range(1, 61)])}

    assert one_by_one == found(shop)


def test_rows_that_repeat_a_fingerprint_count_once(shop):
    OrderFactory(id=1, shipped=True)

    PaymentFactory(order_id=2)
    OrderFactory(id=2, shipped=True)
    rows = facts.of_subjects(shop, ORDERS, ["1"]) * 2

    assert len(rows) == 2
    assert len(list(facts.once(facts.judged(SYSTEM, SYSTEM.rules[0], row) for row in rows))) == 1


def test_a_sweep_by_suspects_finds_what_a_sweep_of_everything_finds(shop):
    fill()
    halves = [(None, 30), (30, None)]

    suspected = replace(ORDERS, suspects=True, ranges=lambda source: halves, planning={"enable_hashjoin": "off"})

    assert found(shop, suspected) == found(shop)
    assert shop.run("select current_setting('enable_hashjoin') as hashing", {}) == [{"hashing": "on"}]


def test_progress_is_told_piece_by_piece(shop):
    OrderFactory(id=1, shipped=True)
    told = []

    list(facts.findings(SYSTEM, shop, ORDERS, WHOLE, lambda done, total: told.append((done, total))))

    assert told == [(1, 1)]


def fill():
    with connections["paperclips_writer"].cursor() as cursor:
        SYSTEM.demo.build(cursor, NOW, 1)
