"""manage.py imagegen_functions tells what it will do, does it, and leaves alone what somebody else put there."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from billingadmin.usage import source_changed
from systems.imagegen.functions import COMMAND, JOB, NAMES

pytestmark = pytest.mark.django_db
DETECT, MONITOR = NAMES
THEIRS = f"create function public.{DETECT}(timestamptz) returns integer language sql as 'select 42'"


@pytest.fixture
def command(capsys):
    def run(*arguments):
        call_command("imagegen_functions", *arguments)
        return capsys.readouterr().out

    return run


@pytest.fixture
def pg_cron(cursor):
    """What of pg_cron the command uses: it cannot be loaded into every server, and needs a restart where it can."""
    cursor.execute("""
        create schema cron;
        create table cron.job (jobid bigserial primary key, schedule text, command text, jobname text unique);
        create function cron.schedule(job_name text, schedule text, command text) returns bigint language sql as
            'insert into cron.job (jobname, schedule, command) values ($1, $2, $3)
             on conflict (jobname) do update set schedule = excluded.schedule, command = excluded.command
             returning jobid';
        create function cron.unschedule(job_name text) returns boolean language sql as
            'delete from cron.job where jobname = $1 returning true';
    """)
    return cursor


def standing(cursor):
    cursor.execute("select proname from pg_proc where pronamespace = 'public'::regnamespace and prorettype <> 2279")
    return {name for (name,) in cursor.fetchall()} & set(NAMES)


def scheduled(cursor):
    cursor.execute("select jobname, schedule, command from cron.job")
    return cursor.fetchall()


def test_print_shows_both_and_changes_nothing(command, cursor):
    said = command("print")

    assert all(f"create or replace function public.{name}(" in said for name in NAMES)
    assert standing(cursor) == set()


def test_install_says_what_it_does_and_does_it(command, cursor):
    said = command("install")

    assert f"public.{DETECT}(timestamptz) is not there: create it." in said
    assert f"create or replace function public.{DETECT}(" in said
    assert "pg_cron is not in this database" in said
    assert standing(cursor) == set(NAMES)


def test_print_tells_what_the_source_has_instead(command, cursor):
    cursor.execute(THEIRS)

    said = command("print")

    assert "-- -select 42" in said
    assert f"-- public.{MONITOR}(timestamptz) is not there: create it." in said


def recorded():
    with connections["default"].cursor() as cursor:
        cursor.execute("select action_type, system, metadata from admin_audit_log order by position")
        return cursor.fetchall()


def test_what_is_done_is_recorded_and_what_is_refused_is_not(command, cursor):
    cursor.execute(THEIRS)
    with pytest.raises(CommandError, match="--replace"):
        command("install")
    assert recorded() == []

    command("install", "--replace")
    command("uninstall")
    command("uninstall")

    assert [entry[:2] for entry in recorded()] == [
        ("runbook_functions_installed", "imagegen"),
        ("runbook_functions_uninstalled", "imagegen"),
    ]
    assert "has another body" in str(recorded()[0])


def test_what_cannot_be_recorded_does_not_happen(command, cursor):
    def full(*args, **fields):
        raise OSError("the log is full")

    source_changed.connect(full)
    try:
        with pytest.raises(OSError, match="full"):
            command("install")
    finally:
        source_changed.disconnect(full)

    assert standing(cursor) == set()


def test_installing_twice_is_calm(command):
    command("install")

    assert command("install").endswith("Nothing to do.\n")


def test_another_body_is_shown_and_left_alone(command, cursor, capsys):
    cursor.execute(THEIRS)

    with pytest.raises(CommandError, match="--replace"):
        command("install")

    said = capsys.readouterr().out
    assert "-select 42" in said
    assert "+    touched := array(" in said
    assert standing(cursor) == {DETECT}
    cursor.execute(f"select public.{DETECT}(now())")
    assert cursor.fetchone() == (42,)


def test_another_body_is_replaced_when_told_so(command, cursor):
    cursor.execute(THEIRS)

    command("install", "--replace")

    cursor.execute(f"select * from public.{DETECT}(now())")
    assert cursor.fetchall() == []


def test_uninstall_takes_ours_out(command, cursor):
    command("install")

    command("uninstall")

    assert standing(cursor) == set()
    assert command("uninstall").endswith("Nothing to do.\n")


def test_uninstall_leaves_another_body_unless_told(command, cursor):
    cursor.execute(THEIRS)

    with pytest.raises(CommandError, match="--replace"):
        command("uninstall")
    assert standing(cursor) == {DETECT}

    command("uninstall", "--replace")
    assert standing(cursor) == set()


def test_where_pg_cron_is_the_monitor_is_scheduled_at_minute_seven(command, pg_cron):
    command("install")

    assert scheduled(pg_cron) == [(JOB, "7 * * * *", COMMAND)]
    assert "is scheduled as it should be" in command("install")
    pg_cron.execute(COMMAND)

    command("uninstall")
    assert scheduled(pg_cron) == []


def test_a_job_scheduled_otherwise_is_changed_only_when_told(command, pg_cron):
    theirs = (JOB, "0 3 * * *", "select 1")
    pg_cron.execute("select cron.schedule(%s, %s, %s)", theirs)

    with pytest.raises(CommandError, match="--replace"):
        command("install")
    assert scheduled(pg_cron) == [theirs]

    command("install", "--replace")
    assert scheduled(pg_cron) == [(JOB, "7 * * * *", COMMAND)]


def test_without_a_writer_it_says_what_to_set(command, monkeypatch):
    monkeypatch.setattr("systems.imagegen.management.commands.imagegen_functions.WRITER", "nobody_writer")

    with pytest.raises(CommandError, match="IMAGEGEN_WRITER_DATABASE_URL"):
        command("install")


def test_a_refusal_of_the_source_is_told_in_one_line(command, cursor):
    cursor.execute("set transaction_read_only = on")

    with pytest.raises(CommandError, match=r"^cannot execute CREATE FUNCTION .*\. Nothing was changed\.$"):
        command("install")
