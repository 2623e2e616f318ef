"""Rows that record themselves: tried on a small table that is made for these tests."""

import pytest
from django.db import IntegrityError, connection, transaction

from audit.log import Actor, acting
from audit.models import Entry

pytestmark = pytest.mark.django_db

AIKO = Actor("person:7", "Aiko Tanaka <aiko@billing.example>")
BEN = Actor("person:8", "Ben Ito <ben@billing.example>")
TABLE = """
create temp table shelf (id bigint primary key, label text, price numeric, secret text, system text);
create constraint trigger shelf_record after insert or update or delete on shelf deferrable initially deferred
    for each row execute function admin_audit_log_record_row('shelf', 'shelf', 'id', 'secret,other');
"""


@pytest.fixture(autouse=True)
def shelf(db):
    """Gone with the test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE)


def run(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def entries():
    return list(Entry.objects.order_by("position"))


def test_a_new_row_is_recorded_with_who_and_why():
    with acting(AIKO, reason="Delivered.", correlation_id="abc"):
        run("insert into shelf values (1, 'A', 5, 's', 'imagegen')")

    (entry,) = entries()
    assert (entry.action_type, entry.target_type, entry.target_id) == ("shelf_added", "shelf", "1")
    assert (entry.actor_id, entry.reason, entry.correlation_id) == ("person:7", "Delivered.", "abc")
    assert entry.system == "imagegen"
    assert entry.metadata["after"] == {"id": 1, "label": "A", "price": 5, "system": "imagegen"}


def test_a_change_tells_the_columns_that_changed():
    with acting(AIKO):
        run("insert into shelf values (1, 'A', 5, 's', '')")
    with acting(BEN):
        run("update shelf set label = 'B', price = 1.5")

    entry = entries()[-1]
    assert (entry.action_type, entry.actor_id) == ("shelf_changed", "person:8")
    assert entry.metadata["before"] == {"label": "A", "price": 5}
    assert entry.metadata["after"] == {"label": "B", "price": "1.5"}


def test_a_hidden_column_is_named_and_never_told():
    with acting(AIKO):
        run("insert into shelf values (1, 'A', 5, 'open sesame', '')")
        run("update shelf set secret = 'sesame, open'")

    assert [entry.metadata["changed_unseen"] for entry in entries()] == [["secret"], ["secret"]]
    assert not any("sesame" in entry.canonical for entry in entries())


def test_a_removed_row_is_recorded_as_it_was():
    with acting(AIKO):
        run("insert into shelf values (1, 'A', 5, '', '')")
    with acting(AIKO):
        run("delete from shelf")

    assert entries()[-1].metadata["before"]["label"] == "A"


def test_an_update_that_changes_nothing_is_no_event():
    with acting(AIKO):
        run("insert into shelf values (1, 'A', 5, '', '')")
        run("update shelf set label = 'A'")

    assert len(entries()) == 1


def test_nothing_is_changed_by_nobody(run_deferred):
    with transaction.atomic():
        run("insert into shelf values (1, 'A', 5, '', '')")
        with pytest.raises(IntegrityError) as refusal:
            run_deferred()
        transaction.set_rollback(True)

    assert refusal.value.__cause__.diag.constraint_name == "audit_says_who"


def test_what_came_after_somebody_acted_is_not_theirs(run_deferred):
    with acting(AIKO):
        run("insert into shelf values (1, 'A', 5, '', '')")

    with transaction.atomic():
        run("update shelf set label = 'B'")
        with pytest.raises(IntegrityError):
            run_deferred()
        transaction.set_rollback(True)


def test_one_inside_of_another_records_its_own():
    with acting(AIKO, reason="outer"):
        run("insert into shelf values (1, 'A', 5, '', '')")
        with acting(BEN, reason="inner"):
            run("insert into shelf values (2, 'B', 5, '', '')")
        run("insert into shelf values (3, 'C', 5, '', '')")

    assert [(entry.target_id, entry.actor_id, entry.reason) for entry in entries()] == [
        ("1", "person:7", "outer"),
        ("2", "person:8", "inner"),
        ("3", "person:7", "outer"),
    ]


def test_the_same_inside_of_itself_records_once_at_the_end():
    with acting(AIKO), acting(AIKO):
        run("insert into shelf values (1, 'A', 5, '', '')")
        assert entries() == []

    assert len(entries()) == 1


def test_what_fails_leaves_neither_row_nor_entry():
    def drop_it():
        with acting(AIKO):
            run("insert into shelf values (1, 'A', 5, '', '')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drop_it()

    assert entries() == []
