"""A run finds, keeps and tells; the made-up shop stands for every room."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections

from anomalies.models import Anomaly, DetectionRun, RuleMark
from anomalies.runs import AlreadyRunning, held
from anomalies.tests.conftest import NOW
from audit.models import Entry
from systems.base import Severity
from systems.tests.paperclips.factories import OrderFactory, PaymentFactory
from systems.tests.paperclips.models import Order, Payment
from systems.tests.paperclips.system import SYSTEM

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def unpaid(**values):
    return OrderFactory(shipped=True, changed_at=NOW - HOUR, **values)


def entries():
    return list(Entry.objects.filter(action_type="paperclips_billing_anomaly_detected").order_by("position"))


def the_anomaly():
    return Anomaly.objects.get()


def test_a_run_keeps_what_the_rules_find(run):
    unpaid(id=7, total=500)

    made = run()

    anomaly = the_anomaly()
    assert (made.state, made.count, made.new) == ("done", 1, 1)
    assert (anomaly.fingerprint, anomaly.state, anomaly.amount, anomaly.unit) == (
        "paperclips:shipped_unpaid:7", "open", 500, "JPY",
    )  # fmt: skip
    assert anomaly.observed_at == NOW - HOUR
    assert anomaly.facts["customer"] == "Hanako"


def test_a_run_that_finds_nothing_has_its_row_and_no_entry(run):
    made = run()

    assert DetectionRun.objects.get() == made
    assert made.state == "done"
    assert made.count == 0
    assert entries() == []


def test_a_run_with_anomalies_leaves_exactly_one_entry(run):
    for number in range(1, 26):
        unpaid(id=number)

    run()

    (entry,) = entries()
    assert entry.metadata["count"] == 25
    assert entry.metadata["new"] == 25
    assert entry.metadata["auto_remediation"] is False
    assert entry.metadata["since"] is None
    assert len(entry.metadata["sample"]) == 20


def test_the_sample_holds_the_newest(run):
    for number in range(1, 31):
        OrderFactory(id=number, shipped=True, changed_at=NOW - number * HOUR)

    run()

    sampled = [int(told["subject"]) for told in entries()[0].metadata["sample"]]
    assert sampled == list(range(1, 21))


def test_a_room_names_its_own_entry(run):
    unpaid(id=1)

    run(replace(SYSTEM, audit_action="clips_are_wrong"))

    assert Entry.objects.filter(action_type="clips_are_wrong").count() == 1


def test_the_same_anomaly_in_a_later_window_is_not_new(run):
    unpaid(id=1)
    run()

    made = run(now=NOW + HOUR)

    assert (made.count, made.new) == (1, 0)
    assert [entry.metadata["new"] for entry in entries()] == [1, 0]
    assert Anomaly.objects.count() == 1


def test_what_is_expected_is_kept_and_not_told(run):
    OrderFactory(id=1, sample=True)

    made = run()

    assert (the_anomaly().verdict, the_anomaly().state) == ("expected", "expected")
    assert made.count == 0
    assert entries() == []


def test_what_the_source_cannot_tell_is_kept_as_such(run):
    OrderFactory(id=1, sample=True)
    rules = tuple(replace(rule, expected=None, cannot_tell=rule.expected) for rule in SYSTEM.rules)

    run(replace(SYSTEM, rules=rules))

    assert (the_anomaly().verdict, the_anomaly().state) == ("cannot_tell", "open")
    assert entries() == []


def test_a_notice_leaves_no_entry(run):
    unpaid(id=1)

    run(replace(SYSTEM, rules=tuple(replace(rule, severity=Severity.NOTICE) for rule in SYSTEM.rules)))

    assert the_anomaly().severity == "notice"
    assert entries() == []


# Windows


def test_the_first_run_covers_all_history(run):
    OrderFactory(id=1, shipped=True, changed_at=NOW - timedelta(days=400))

    assert run().count == 1
    assert set(RuleMark.objects.values_list("rule", "reached")) == {("shipped_unpaid", NOW), ("paid_twice", NOW)}


def test_the_next_window_reaches_back_by_the_overlap(run):
    run()
    OrderFactory(id=1, shipped=True, changed_at=NOW - timedelta(hours=2))
    OrderFactory(id=2, shipped=True, changed_at=NOW - timedelta(hours=2, seconds=1))

    made = run(now=NOW + HOUR)

    assert made.since == NOW - SYSTEM.overlap
    assert set(Anomaly.objects.values_list("subject", flat=True)) == {"1"}


def test_missed_runs_are_caught_up_with(run):
    run()
    OrderFactory(id=1, shipped=True, changed_at=NOW + HOUR)

    made = run(now=NOW + timedelta(days=3))

    assert made.count == 1


def test_a_window_given_by_hand_never_moves_a_mark(run):
    run()

    run(now=NOW + HOUR, since=NOW - timedelta(days=7))
    run(now=NOW + 2 * HOUR, whole=True)

    assert set(RuleMark.objects.values_list("reached", flat=True)) == {NOW}


def test_the_start_of_a_window_is_inside_and_its_end_is_not(run):
    OrderFactory(id=1, shipped=True, changed_at=NOW - 2 * HOUR)
    OrderFactory(id=2, shipped=True, changed_at=NOW)

    run(since=NOW - 2 * HOUR, until=NOW)

    assert set(Anomaly.objects.values_list("subject", flat=True)) == {"1"}


def test_a_new_rule_covers_all_history_while_the_others_go_on(run):
    run(replace(SYSTEM, rules=SYSTEM.rules[1:]))
    OrderFactory(id=1, shipped=True, changed_at=NOW - timedelta(days=400))

    made = run(now=NOW + HOUR)

    assert made.results["shipped_unpaid"]["since"] is None
    assert made.results["paid_twice"]["since"] == (NOW - SYSTEM.overlap).isoformat()
    assert made.count == 1


def test_rules_on_one_facts_source_with_equal_windows_are_asked_together(run, django_assert_num_queries):
    twin = replace(SYSTEM.rules[0], code="shipped_unpaid_twin")
    asked = []
    connections["paperclips"].execute_wrappers.append(
        lambda execute, sql, params, many, context: asked.append(sql) or execute(sql, params, many, context)
    )
    try:
        run(replace(SYSTEM, rules=(SYSTEM.rules[0], twin)))
    finally:
        connections["paperclips"].execute_wrappers.pop()

    assert len([sql for sql in asked if "from orders" in sql]) == 1


# Failing alone


def broken(code, **changes):
    return replace(SYSTEM, rules=tuple(replace(r, **changes) if r.code == code else r for r in SYSTEM.rules))


def test_a_broken_facts_source_fails_alone(run):
    unpaid(id=1)
    PaymentFactory.create_batch(2, order_id=2)

    made = run(broken("shipped_unpaid", when={"shipped": True, "no_such_column": True}))

    assert made.state == "failed"
    assert "no_such_column" in made.results["shipped_unpaid"]["error"]
    assert set(Anomaly.objects.values_list("rule", flat=True)) == {"paid_twice"}


def test_a_broken_rule_does_not_take_its_neighbours_along(run):
    unpaid(id=1)
    wrong = replace(SYSTEM.rules[0], code="wrong", when={"no_such_column": True})

    made = run(replace(SYSTEM, rules=(SYSTEM.rules[0], wrong)))

    assert made.results["shipped_unpaid"] | {"milliseconds": 0, "since": None, "until": None} == {
        "since": None, "until": None, "found": 1, "anomaly": 1, "expected": 0, "cannot_tell": 0, "new": 1,
        "returned": 0, "reopened": 0, "milliseconds": 0, "error": "",
    }  # fmt: skip
    assert "no_such_column" in made.results["wrong"]["error"]


def test_a_broken_rule_keeps_its_mark_and_loses_no_window(run):
    run()
    unpaid(id=1)
    run(broken("shipped_unpaid", when={"no_such_column": True}), now=NOW + 5 * HOUR)

    made = run(now=NOW + 10 * HOUR)

    assert made.results["shipped_unpaid"]["since"] == (NOW - SYSTEM.overlap).isoformat()
    assert made.results["paid_twice"]["since"] == (NOW + 5 * HOUR - SYSTEM.overlap).isoformat()
    assert made.count == 1


def test_a_source_that_is_not_connected_is_said_and_not_healthy(run):
    made = run(replace(SYSTEM, slug="umbrellas"))

    assert made.state == "failed"
    assert "UMBRELLAS_DATABASE_URL" in made.error
    assert RuleMark.objects.count() == 0


def test_a_subject_that_is_not_text_postgresql_takes_does_not_stop_a_run(run):
    def rows(source, keys):
        yield {
            "order_id": "a\0b",
            "paid_twice": True,
            "extra": 1,
            "last_paid_at": NOW,
            "blob": b"\xff",
            "odd": float("nan"),
        }
        yield {"order_id": "x" * 9_000, "paid_twice": True, "extra": 1, "last_paid_at": NOW}
        yield {"order_id": "", "paid_twice": True, "extra": None, "last_paid_at": NOW}

    facts = tuple(replace(facts, compute=rows) if facts.compute else facts for facts in SYSTEM.facts)

    made = run(replace(SYSTEM, facts=facts))

    assert made.state == "done"
    assert sorted(len(subject) for subject in Anomaly.objects.values_list("subject", flat=True)) == [0, 3, 9_000]
    assert run(replace(SYSTEM, facts=facts)).new == 0


# One at a time


def test_the_second_caller_is_told_which_run_holds_the_lock(run):
    holder = DetectionRun.objects.create(
        system="paperclips", trigger="schedule", actor="detect_paperclips", actor_id="job", started_at=NOW, until=NOW
    )

    with held(SYSTEM), pytest.raises(AlreadyRunning, match=f"run {holder.pk}, started at 12:00:00 UTC by detect_pap"):
        run()


def test_the_lock_is_given_back_also_after_a_crash(run):
    with pytest.raises(ValueError, match="crash"), held(SYSTEM):
        raise ValueError("crash")

    assert run().state == "done"


def test_systems_do_not_wait_for_each_other(run):
    with held(replace(SYSTEM, slug="umbrellas")):
        assert run().state == "done"


def test_the_row_of_a_dead_run_is_closed_by_the_next(run):
    dead = DetectionRun.objects.create(
        system="paperclips", trigger="schedule", actor="a", actor_id="a", started_at=NOW, until=NOW
    )

    run()

    dead.refresh_from_db()
    assert (dead.state, dead.error) == ("failed", "The process ended before the run did.")


# Dry run, and what is told


def test_a_dry_run_keeps_nothing_and_tells_all(run):
    unpaid(id=1)
    told = []

    made = run(dry_run=True, report=told.append)

    assert [finding.fingerprint for finding in told] == ["paperclips:shipped_unpaid:1"]
    assert made.count == 1
    assert made.pk is None
    assert not Anomaly.objects.exists()
    assert not DetectionRun.objects.exists()
    assert not RuleMark.objects.exists()
    assert entries() == []


def test_each_finding_is_told_once_also_when_its_rule_is_asked_twice(run):
    unpaid(id=1)
    wrong = replace(SYSTEM.rules[0], code="wrong", observed_at="total", when={"shipped": True})
    told = []

    run(replace(SYSTEM, rules=(SYSTEM.rules[0], wrong)), report=told.append)

    assert len(told) == len({finding.fingerprint for finding in told})


def test_detection_writes_nothing_to_the_source(run):
    unpaid(id=1)
    before = (
        list(Order.objects.using("paperclips_writer").values()),
        Payment.objects.using("paperclips_writer").count(),
    )

    run()

    assert before == (
        list(Order.objects.using("paperclips_writer").values()),
        Payment.objects.using("paperclips_writer").count(),
    )


def test_a_run_says_how_much_is_open_afterwards(run):
    unpaid(id=1, total=500)
    unpaid(id=2, total=300)
    PaymentFactory.create_batch(2, order_id=3, amount=70)

    assert run().standing == {"open": {"major": 2, "minor": 1}, "at_risk": {"JPY": 870}}
