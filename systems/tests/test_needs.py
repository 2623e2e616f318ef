"""check_source names what a source lacks and the statement that mends it; prepare_source prints before it does."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from systems.needs import missing_columns, shortfalls
from systems.tests.conftest import PAPERCLIPS
from systems.tests.paperclips.models import Order
from systems.tests.paperclips.system import SYSTEM

pytestmark = pytest.mark.django_db(databases=PAPERCLIPS)


def change(statement):
    with connections["paperclips_writer"].cursor() as cursor:
        cursor.execute(statement)


def found(shop):
    return {shortfall.remedy: shortfall for shortfall in shortfalls(SYSTEM, shop)}


def test_a_missing_index_costs_but_is_not_grave(shop):
    remedy = "create index concurrently if not exists payments_paid_at on payments (paid_at);"

    assert found(shop)[remedy].grave is False
    assert "every payment" in found(shop)[remedy].what


def test_a_prepared_source_has_no_shortfall(shop):
    change("create index payments_paid_at on payments (paid_at)")

    assert found(shop) == {}


def test_an_index_whose_building_failed_is_named(shop):
    change("create index payments_paid_at on payments (paid_at)")
    shop.run = broken_index(shop.run)

    assert any("drop index payments_paid_at" in remedy for remedy in found(shop))


def broken_index(run):
    def ran(sql, parameters):
        rows = run(sql, parameters)
        return [{**row, "is_valid": False} if row.get("index_name") == "payments_paid_at" else row for row in rows]

    return ran


def test_a_missing_column_is_grave_and_says_its_type(shop):
    change("alter table orders drop column total")

    assert found(shop)["alter table orders add column total integer;"].grave


def test_a_missing_table_is_grave(shop):
    change("drop table payments")

    assert any("There is no table payments" in shortfall.what for shortfall in found(shop).values())


def column(**changes):
    names = [field.column for field in Order._meta.concrete_fields]
    return [{"column_name": name, "readable": True, "hides_rows": False, **changes} for name in names]


def test_a_right_that_is_missing_is_named_with_its_grant():
    [shortfall] = missing_columns(Order, column(readable=False), "console")

    assert shortfall.remedy == "grant select on orders to console;"


def test_a_row_policy_is_never_a_healthy_zero():
    [shortfall] = missing_columns(Order, column(hides_rows=True), "console")

    assert shortfall.grave
    assert shortfall.remedy == "alter role console bypassrls;"


def test_a_policy_that_holds_for_the_owner_too_is_seen(shop):
    change("alter table orders enable row level security")
    before = found(shop)
    change("alter table orders force row level security")

    hidden = [shortfall.what for shortfall in found(shop).values() if "row policy" in shortfall.what]

    assert not any("row policy" in shortfall.what for shortfall in before.values())
    assert len(hidden) == 1


def test_the_command_says_what_is_missing_and_fails_only_when_it_is_grave():
    out = StringIO()

    call_command("check_source", "paperclips", stdout=out)

    assert "payments_paid_at" in out.getvalue()
    change("drop table payments")
    with pytest.raises(SystemExit) as exit_:
        call_command("check_source", "paperclips", stdout=out)
    assert exit_.value.code == 1


@pytest.mark.parametrize("command", ["check_source", "prepare_source"])
def test_an_unknown_system_is_wrong_usage(command):
    with pytest.raises(CommandError, match="no system “stapler”") as refusal:
        call_command(command, "stapler")

    assert refusal.value.returncode == 2


def test_preparing_prints_the_key_table_and_the_indexes_and_does_nothing(shop):
    out = StringIO()

    call_command("prepare_source", "paperclips", stdout=out)

    assert "create table if not exists billingadmin_applied" in out.getvalue()
    assert "create index concurrently if not exists payments_paid_at on payments (paid_at);" in out.getvalue()
    assert found(shop)


def test_preparing_without_the_right_says_so_and_stops(monkeypatch):
    monkeypatch.setattr(
        "systems.management.commands.prepare_source.statements", lambda system: ["create table a (b c)"]
    )

    with pytest.raises(CommandError, match='type "c" does not exist'):
        call_command("prepare_source", "paperclips", "--apply", stdout=StringIO())


def recorded():
    with connections["default"].cursor() as cursor:
        cursor.execute("select action_type, outcome, system from admin_audit_log order by position")
        return cursor.fetchall()


def test_preparing_is_recorded_whether_or_not_it_came_to_an_end(monkeypatch):
    told = ["create table a (b integer)"]
    monkeypatch.setattr("systems.management.commands.prepare_source.statements", lambda system: told)
    call_command("prepare_source", "paperclips", "--apply", stdout=StringIO())
    with pytest.raises(CommandError, match="already exists"):
        call_command("prepare_source", "paperclips", "--apply", stdout=StringIO())

    assert recorded() == [
        ("source_preparation_begun", "done", "paperclips"),
        ("source_prepared", "done", "paperclips"),
        ("source_preparation_begun", "done", "paperclips"),
        ("source_prepared", "failed", "paperclips"),
    ]


def test_printing_the_preparation_is_not_recorded():
    call_command("prepare_source", "paperclips", stdout=StringIO())

    assert recorded() == []
