"""The life of an anomaly between runs: seen, gone, back, changed, asleep."""

from dataclasses import replace
from datetime import timedelta

import pytest

from anomalies import triage
from anomalies.models import Anomaly, Check
from anomalies.rechecks import recheck
from anomalies.tests.conftest import NOW
from audit.models import Entry
from systems.tests.paperclips.factories import OrderFactory, PaymentFactory
from systems.tests.paperclips.models import Order, Payment
from systems.tests.paperclips.system import SYSTEM

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ADJUSTMENT = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def found(run):
    """Order 1, shipped and unpaid, found at noon."""
    OrderFactory(id=1, shipped=True, changed_at=NOW - HOUR)
    run()
    return Anomaly.objects.get()


def pay():
    PaymentFactory(order_id=1, paid_at=NOW)


def unpay():
    Payment.objects.using("paperclips_writer").all().delete()


def change(**values):
    Order.objects.using("paperclips_writer").filter(id=1).update(**values)


def again(anomaly):
    anomaly.refresh_from_db()
    return anomaly


def events(anomaly):
    return list(anomaly.checks.values_list("event", flat=True))


def dismiss(anomaly, person, at=NOW):
    triage.dismiss(anomaly=anomaly, by=person, reason="expected", note="A gift.", now=at)


def test_checked_and_absent_clears(run, found):
    pay()

    made = run(now=NOW + DAY)

    assert (again(found).presence, found.state, found.checked_at) == ("absent", "cleared", NOW + DAY)
    assert (made.rechecked, made.cleared) == (1, 1)
    assert events(found) == ["found", "absent"]


def test_a_vanished_subject_never_clears(run, found):
    Order.objects.using("paperclips_writer").all().delete()

    made = run(now=NOW + DAY)

    assert (again(found).presence, found.state) == ("subject_gone", "open")
    assert made.cleared == 0


def test_a_failed_rule_never_clears(run, found):
    pay()
    rules = (replace(SYSTEM.rules[0], when={"no_such_column": True}), SYSTEM.rules[1])

    run(replace(SYSTEM, rules=rules), now=NOW + DAY)

    assert (again(found).presence, found.state) == ("not_checkable", "open")


def test_a_rule_that_is_no_more_never_clears(found):
    pay()
    Anomaly.objects.update(rule="old_rule")

    recheck(Anomaly.objects.all(), NOW + DAY)

    assert (again(found).presence, found.state) == ("not_checkable", "open")


def test_a_source_that_is_down_changes_nothing(run, found):
    run(replace(SYSTEM, slug="umbrellas"), now=NOW + DAY)

    assert (again(found).presence, found.checked_at) == ("seen", NOW)


def test_what_could_not_be_checked_is_seen_again_when_it_can(run, found):
    Anomaly.objects.update(presence="not_checkable")

    run(now=NOW + DAY)

    assert again(found).presence == "seen"
    assert found.occurrence == 1
    assert events(found) == ["found", "seen_again"]


def test_coming_back_counts_an_occurrence_and_keeps_the_history(run, found):
    pay()
    run(now=NOW + DAY)
    unpay()
    change(changed_at=NOW + 2 * DAY)

    made = run(now=NOW + 2 * DAY + HOUR)

    assert (again(found).state, found.occurrence) == ("open", 2)
    assert found.returned_at == NOW + 2 * DAY + HOUR
    assert found.first_seen_at == NOW
    assert made.results["shipped_unpaid"]["returned"] == 1
    assert events(found) == ["found", "absent", "returned"]


def test_an_observation_is_kept_when_it_differs_and_only_then(run, found):
    run(now=NOW + HOUR)
    change(customer="Jirō")
    run(now=NOW + 2 * HOUR)

    assert events(found) == ["found", "changed"]
    assert [check.facts["customer"] for check in found.checks.all()] == ["Hanako", "Jirō"]
    assert again(found).last_seen_at == NOW + 2 * HOUR


def test_age_never_closes_anything(run, found):
    run(now=NOW + timedelta(days=4_000))

    assert again(found).state == "open"


# Dismissed and settled


def test_a_dismissed_one_stays_so_while_its_facts_are_the_same(run, found, support):
    dismiss(found, support)
    change(customer="Jirō", changed_at=NOW)

    made = run(now=NOW + HOUR)

    assert again(found).state == "dismissed"
    assert made.count == 0
    assert Entry.objects.filter(action_type="paperclips_billing_anomaly_detected").count() == 1


def test_a_dismissed_one_reopens_when_its_facts_change(run, found, support):
    dismiss(found, support)
    change(total=900, changed_at=NOW)

    made = run(now=NOW + HOUR)

    assert (again(found).state, found.dismissal, found.decided_by) == ("open", "", None)
    assert made.results["shipped_unpaid"]["reopened"] == 1
    assert made.count == 1
    assert events(found) == ["found", "changed", "reopened"]


def test_a_dismissed_one_that_flaps_counts_and_stays_dismissed(run, found, support):
    dismiss(found, support)
    pay()
    run(now=NOW + DAY, whole=True)
    unpay()
    run(now=NOW + 2 * DAY, whole=True)

    assert (again(found).state, found.occurrence) == ("dismissed", 2)


def settle(anomaly, at=NOW):
    triage.settle(anomaly=anomaly, actor=triage.SYSTEM_ACTOR, adjustment_id=ADJUSTMENT, occurrence=1, now=at)


def test_a_settled_one_stays_settled_even_if_the_source_shows_it_for_ever(run, found):
    settle(found)
    change(total=900)

    for hours in (1, 2, 3):
        run(now=NOW + hours * HOUR, whole=True)

    assert again(found).state == "settled"


def test_a_settled_one_reopens_when_the_facts_change_after_the_posting(run, found):
    settle(found)
    run(now=NOW + HOUR, whole=True)
    change(total=900)

    run(now=NOW + 2 * HOUR, whole=True)

    assert again(found).state == "open"
    assert found.settled_by is None


def test_a_settled_one_that_went_away_and_comes_back_is_open_again(run, found):
    settle(found)
    pay()
    run(now=NOW + HOUR, whole=True)
    unpay()

    run(now=NOW + 2 * HOUR, whole=True)

    assert (again(found).state, found.occurrence) == ("open", 2)


def test_a_check_begun_before_the_posting_does_not_undo_it(run, found):
    settle(found, at=NOW + HOUR)
    change(total=900)

    run(now=NOW + HOUR / 2, whole=True)

    assert (again(found).state, found.decided_digest) == ("settled", "")


# Asleep


def snooze(anomaly, person, **until):
    triage.snooze(anomaly=anomaly, by=person, now=NOW, note="The bank is closed.", **until)


def test_a_snooze_ends_at_its_time(run, found, support):
    snooze(found, support, until=NOW + DAY)

    run(now=NOW + DAY - HOUR)
    asleep = again(found).state
    run(now=NOW + DAY)

    assert (asleep, again(found).state) == ("snoozed", "open")
    assert events(found)[-1] == "woken"


def test_a_snooze_ends_when_there_are_more_than_allowed(run, found, support):
    snooze(found, support, grow_count=2)

    OrderFactory(id=2, shipped=True, changed_at=NOW)
    run(now=NOW + HOUR)
    asleep = again(found).state
    OrderFactory(id=3, shipped=True, changed_at=NOW)
    run(now=NOW + 2 * HOUR)

    assert (asleep, again(found).state) == ("snoozed", "open")


def test_a_snooze_ends_when_more_than_allowed_is_at_risk(run, found, support):
    snooze(found, support, grow_amount=1_000)

    OrderFactory(id=2, shipped=True, changed_at=NOW, total=500)
    run(now=NOW + HOUR)
    asleep = again(found).state
    OrderFactory(id=3, shipped=True, changed_at=NOW, total=1)
    run(now=NOW + 2 * HOUR)

    assert (asleep, again(found).state) == ("snoozed", "open")


# The budget


def test_those_checked_longest_ago_are_checked_first_within_the_budget(run, monkeypatch):
    for number in (1, 2, 3):
        OrderFactory(id=number, shipped=True, changed_at=NOW - DAY)
    run()
    Anomaly.objects.filter(subject="2").update(checked_at=NOW - DAY, last_seen_at=NOW - DAY, first_seen_at=NOW - DAY)
    monkeypatch.setattr("anomalies.detection.RECHECKS", 1)

    made = run(now=NOW + DAY)

    assert made.rechecked == 1
    assert Anomaly.objects.get(checked_at=NOW + DAY).subject == "2"


def test_a_sweep_finds_what_no_window_can(run, found):
    """Deleting a payment touches nothing that a window looks at."""
    pay()
    run(now=NOW + DAY)
    unpay()

    run(now=NOW + 2 * DAY)
    before = again(found).state
    run(now=NOW + 3 * DAY, whole=True)

    assert (before, again(found).state) == ("cleared", "open")


def test_a_check_of_one_rule_leaves_the_neighbours_alone(run, found):
    PaymentFactory.create_batch(2, order_id=1, paid_at=NOW)

    recheck([found], NOW + DAY)

    assert again(found).state == "cleared"
    assert Check.objects.filter(anomaly=found).count() == 2
    assert Anomaly.objects.count() == 1
