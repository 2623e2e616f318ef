"""No money through a database that may forget what it acknowledged. The tests' own is one: it is in haste."""

from datetime import timedelta

import pytest
from django.db import connections
from psycopg import sql

from adjustments import applying
from adjustments.durability import durable_commits
from adjustments.states import State
from billingadmin import durability
from billingadmin.checks import what_is_acknowledged_is_on_disk
from health.probing import Clock
from systems import registry
from systems.base import Level

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def in_earnest(settings):
    settings.DURABLE_COMMITS_ONLY = True


@pytest.fixture
def by_default():
    """Sets a role's own default in its database, as somebody in a hurry would; taken back at the end."""
    changed = []

    def by_default(alias, name, value):
        connection = connections[alias]
        role, database = connection.settings_dict["USER"], connection.settings_dict["NAME"]
        names = {"role": sql.Identifier(role), "database": sql.Identifier(database), "name": sql.Identifier(name)}
        run(connection, "alter role {role} in database {database} set {name} = {value}", value=value, **names)
        changed.append((connection, names))

    yield by_default
    for connection, names in changed:
        run(connection, "alter role {role} in database {database} reset {name}", **names)


def run(connection, text, **parts):
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(text).format(**parts))
    connection.close()  # the next connection begins with the new default


def test_every_unsafe_setting_is_named():
    assert durability.shortcomings("default") == ["fsync=off", "full_page_writes=off", "synchronous_commit=off"]


def test_what_the_role_has_as_its_default_counts(by_default):
    by_default("default", "synchronous_commit", "on")
    assert durability.shortcomings("default") == ["fsync=off", "full_page_writes=off"]

    by_default("paperclips_writer", "synchronous_commit", "local")
    assert "synchronous_commit=off" not in durability.shortcomings("paperclips_writer")


def test_sqlite_has_to_wait_for_the_disk_too(kiosk):
    assert durability.shortcomings("kiosk_writer") == []

    with connections["kiosk_writer"].cursor() as cursor:
        cursor.execute("pragma synchronous = off")

    assert durability.shortcomings("kiosk_writer") == ["synchronous=0"]
    connections["kiosk_writer"].close()


def test_the_worker_posts_nothing_and_says_why(in_earnest, approved, key_table, now):
    told = applying.drive(approved.pk, now=now + timedelta(minutes=6))

    approved.refresh_from_db()
    assert approved.state == State.APPROVED
    assert "may forget what it has acknowledged (fsync=off, full_page_writes=off" in approved.obstacle
    assert approved.obstacle in told
    with connections["paperclips_writer"].cursor() as cursor:
        cursor.execute("select (select count(*) from payments) + (select count(*) from billingadmin_applied)")
        assert cursor.fetchone() == (0,)


def test_it_posts_when_the_setting_is_right_again(in_earnest, settings, approved, key_table, now):
    applying.drive(approved.pk, now=now + timedelta(minutes=6))
    settings.DURABLE_COMMITS_ONLY = False

    applying.drive(approved.pk, now=now + timedelta(minutes=7))

    approved.refresh_from_db()
    assert approved.state == State.APPLIED


def test_health_is_critical(in_earnest, now):
    seen = durable_commits(registry.get("paperclips"), Clock(now))

    assert seen.level == Level.CRITICAL
    assert seen.value == 6
    assert "default fsync=off" in seen.detail["labels"]
    assert "paperclips_writer fsync=off" in seen.detail["labels"]


def test_check_deploy_is_an_error(in_earnest):
    found = what_is_acknowledged_is_on_disk(None)

    assert {one.id for one in found} == {"billingadmin.E001"}
    assert found[0].msg == (
        "The database “default” may lose what it has acknowledged: fsync=off, full_page_writes=off, "
        "synchronous_commit=off."
    )
