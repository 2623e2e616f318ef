from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction

from audit.log import Actor, OutsideTransaction, Unrecordable, job_actor, record
from audit.models import Entry

pytestmark = pytest.mark.django_db

AIKO = Actor("person:7", "Aiko Tanaka <aiko@billing.example>")


def test_an_entry_says_who_did_what_to_what_and_why():
    position = record(
        actor=AIKO,
        action_type="anomaly_dismissed",
        target_type="anomaly",
        target_id="12",
        reason="Expected: a trial.",
        job_id="6f1c",
        tx_id="9",
        system="imagegen",
        correlation_id="abc",
        metadata={"before": {"decision": "open"}, "after": {"decision": "dismissed"}},
    )

    entry = Entry.objects.get(position=position)
    assert (entry.actor_id, entry.actor) == ("person:7", "Aiko Tanaka <aiko@billing.example>")
    assert (entry.target_type, entry.target_id, entry.reason) == ("anomaly", "12", "Expected: a trial.")
    assert (entry.job_id, entry.tx_id, entry.system, entry.correlation_id) == ("6f1c", "9", "imagegen", "abc")
    assert entry.metadata["after"] == {"decision": "dismissed"}


def test_each_entry_follows_the_one_before():
    first = record(actor=AIKO, action_type="first")

    second = record(actor=AIKO, action_type="second")

    assert second == first + 1
    assert Entry.objects.get(pk=second).previous_hash == Entry.objects.get(pk=first).hash


def test_entries_about_one_thing_are_found():
    record(actor=AIKO, action_type="seen", target_type="anomaly", target_id=12)
    record(actor=AIKO, action_type="seen", target_type="anomaly", target_id="13")

    assert Entry.objects.about("anomaly", 12).count() == 1


def test_moments_ids_and_decimals_are_recorded_as_text():
    metadata = {"at": datetime(2026, 1, 2, tzinfo=UTC), "id": UUID(int=1), "price": Decimal("1.50"), "at_all": None}

    position = record(actor=job_actor("detect"), action_type="seen", metadata=metadata)

    stored = Entry.objects.get(position=position).metadata
    assert stored["price"] == "1.50"
    assert stored["at"] == "2026-01-02T00:00:00Z"
    assert stored["id"] == str(UUID(int=1))


@pytest.mark.parametrize("value", [1.5, float("nan"), {"deep": [0, 2.0]}])
def test_a_float_is_refused_by_name(value):
    with pytest.raises(Unrecordable, match="whole numbers"):
        record(actor=AIKO, action_type="seen", metadata={"amount": value})


@pytest.mark.parametrize("broken", ["a\0b", "half \ud83d"])
@pytest.mark.parametrize("field", ["reason", "target_id", "metadata"])
def test_text_that_cannot_be_stored_is_refused(broken, field):
    value = {"note": broken} if field == "metadata" else broken

    with pytest.raises(Unrecordable):
        record(actor=AIKO, action_type="seen", **{field: value})


@pytest.mark.django_db(transaction=True)
def test_nothing_is_recorded_outside_of_a_transaction():
    with pytest.raises(OutsideTransaction):
        record(actor=AIKO, action_type="seen")

    assert not Entry.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_transaction_with_an_old_snapshot_cannot_record(level):
    with transaction.atomic():
        connection.cursor().execute(f"set transaction isolation level {level}")

        with pytest.raises(OperationalError, match="READ COMMITTED"):
            record(actor=AIKO, action_type="seen")


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_leaves_no_gap():
    with transaction.atomic():
        record(actor=AIKO, action_type="first")
        transaction.set_rollback(True)

    with transaction.atomic():
        position = record(actor=AIKO, action_type="second")

    assert position == 1
