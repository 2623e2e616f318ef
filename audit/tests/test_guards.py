"""What the database forbids about the log, tried as the site's role and as the owner."""

import threading

import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError, connection, connections, transaction
from psycopg import errors

from audit.factories import AIKO, make_entry
from audit.log import record
from audit.models import Entry
from audit.verification import Verdict, verify

pytestmark = pytest.mark.django_db

COPY = """
insert into admin_audit_log
select position + 1, at, actor_id, actor, action_type, target_type, target_id, outcome, reason, job_id, tx_id, system,
    correlation_id, metadata, canonical, hash, {}
from admin_audit_log order by position desc limit 1
"""
APPEND = "select admin_audit_log_append(%s, %s, %s, '', '', %s, '', '', '', '', '', %s)"


def refused(statement, *parameters, alias="default"):
    """The database's error, from a savepoint that it undoes."""
    with pytest.raises(DatabaseError) as error, transaction.atomic(using=alias):
        connections[alias].cursor().execute(statement, parameters or None)
    return error.value.__cause__


@pytest.mark.parametrize(
    "statement",
    [
        "update admin_audit_log set reason = 'nicer'",
        "delete from admin_audit_log",
        "truncate admin_audit_log",
        COPY.format("hash"),
        "drop table admin_audit_log",
        "alter table admin_audit_log disable trigger all",
        "alter table admin_audit_log disable trigger admin_audit_log_no_change",
        "alter table admin_audit_log drop constraint admin_audit_log_hash_seals",
        "alter table admin_audit_log add column more text",
        "create trigger mine before insert on admin_audit_log execute function admin_audit_log_refuse()",
        "create rule mine as on insert to admin_audit_log do instead nothing",
        "create or replace function admin_audit_log_hash(bigint, text, text) returns text language sql as 'select $2'",
        "create or replace function admin_audit_log_refuse() returns trigger language plpgsql as 'begin end'",
        "drop function admin_audit_log_refuse() cascade",
        "alter function admin_audit_log_hash(bigint, text, text) owner to billingadmin_site",
        "set session_replication_role = replica",
        "set role billingadmin_owner",
        "alter role billingadmin_site superuser",
    ],
)
def test_the_site_cannot(statement):
    make_entry()

    assert isinstance(refused(statement), errors.InsufficientPrivilege)


def test_the_site_cannot_slip_its_own_under_the_append(db):
    """Neither a table nor a function of the site's temporary schema is what the owner's function finds."""
    with connection.cursor() as cursor:
        cursor.execute("create function pg_temp.clock_timestamp() returns timestamptz language sql as 'select now()'")
        cursor.execute("create temporary table admin_audit_log (position bigint, hash text)")
        cursor.execute("set local search_path = pg_temp, public")
        position = record(actor=AIKO, action_type="seen")
        cursor.execute("drop table pg_temp.admin_audit_log")

    entry = Entry.objects.get(position=position)
    with connection.cursor() as cursor:
        cursor.execute("select now()")
        assert entry.at > cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "statement",
    ["update admin_audit_log set reason = 'nicer'", "delete from admin_audit_log", "truncate admin_audit_log"],
)
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_the_owner_runs_into_the_triggers_too(statement, role):
    with transaction.atomic():
        make_entry()

    cause = refused(f"set local session_replication_role = {role}; {statement}", alias="owner")

    assert "only grows" in str(cause)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("hash_", "constraint"),
    [
        ("repeat('a', 64)", "admin_audit_log_hash_seals"),
        ("public.admin_audit_log_hash(position, hash, canonical)", "admin_audit_log_hash_seals"),
    ],
)
def test_the_owner_cannot_insert_what_is_not_sealed(hash_, constraint):
    with transaction.atomic():
        make_entry()

    assert refused(COPY.format(hash_), alias="owner").diag.constraint_name == constraint


@pytest.mark.django_db(transaction=True)
def test_the_owner_cannot_insert_columns_that_differ_from_the_text():
    with transaction.atomic():
        make_entry()
    sealed = "public.admin_audit_log_hash(position + 1, hash, canonical)"
    other_actor = COPY.format(sealed).replace(" actor_id, actor,", " actor_id, 'Somebody else',")

    cause = refused(other_actor, alias="owner")

    assert cause.diag.constraint_name == "admin_audit_log_canonical_says_the_same"


@pytest.mark.django_db(transaction=True)
def test_the_chain_cannot_fork():
    with transaction.atomic():
        make_entry()
        make_entry()
    fork = """
    insert into admin_audit_log
    select 3, at, actor_id, actor, action_type, target_type, target_id, outcome, reason, job_id, tx_id, system,
        correlation_id, metadata, canonical, previous_hash,
        public.admin_audit_log_hash(3, previous_hash, canonical)
    from admin_audit_log where position = 2
    """

    assert refused(fork, alias="owner").diag.constraint_name == "admin_audit_log_one_successor"


@pytest.mark.parametrize(
    ("arguments", "constraint"),
    [
        (("", "Aiko", "seen", "done", "{}"), "admin_audit_log_says_who"),
        (("person:7", "", "seen", "done", "{}"), "admin_audit_log_says_who"),
        (("person:7", "Aiko", "", "done", "{}"), "admin_audit_log_says_what"),
        (("person:7", "Aiko", "Not a name", "done", "{}"), "admin_audit_log_says_what"),
        (("person:7", "Aiko", "seen", "", "{}"), "admin_audit_log_says_what"),
        (("person:7", "Aiko", "seen", "done", "[]"), "admin_audit_log_metadata_is_object"),
    ],
)
def test_an_entry_is_well_formed(arguments, constraint):
    assert refused(APPEND, *arguments).diag.constraint_name == constraint


@pytest.mark.parametrize("metadata", ['{"a": 1.5}', '{"a": {"b": [1e-3]}}', '{"a": 2.0}'])
def test_the_database_refuses_fractions_itself(metadata):
    assert isinstance(refused(APPEND, "a", "a", "seen", "done", metadata), errors.InvalidParameterValue)


def test_the_database_refuses_nul_itself(db):
    assert isinstance(refused(APPEND, "a", "a", "seen", "done", '{"a": "\\u0000"}'), errors.UntranslatableCharacter)


@pytest.mark.parametrize("missing", range(5))
def test_the_database_refuses_null_itself(missing):
    arguments = ["person:7", "Aiko", "seen", "done", "{}"]
    arguments[missing] = None

    assert isinstance(refused(APPEND, *arguments), errors.NotNullViolation)


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_one_chain():
    barrier = threading.Barrier(8, timeout=20)

    def write():
        barrier.wait()
        for number in range(10):
            with transaction.atomic():
                record(actor=AIKO, action_type="seen", target_id=number)
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    finding = verify()
    assert (finding.verdict, finding.entries, finding.position) == (Verdict.INTACT, 80, 80)


@pytest.fixture
def short_patience(transactional_db):
    """Nobody wants to wait five seconds in a test."""
    function = "alter function admin_audit_log_append set lock_timeout = {}"
    with connections["owner"].cursor() as cursor:
        cursor.execute(function.format("'50ms'"))
        yield
        cursor.execute(function.format("'5s'"))


def test_who_waits_too_long_fails_and_with_it_what_was_to_be_recorded(short_patience):
    holding, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            make_entry()
            holding.set()
            done.wait(20)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(20)
    try:
        with pytest.raises(OperationalError, match="lock timeout"), transaction.atomic():
            make_entry()
    finally:
        done.set()
        thread.join()

    assert Entry.objects.count() == 1


def test_the_append_waits_five_seconds_and_looks_nowhere_else(db):
    with connection.cursor() as cursor:
        cursor.execute("select proconfig, prosecdef from pg_proc where proname = 'admin_audit_log_append'")
        config, with_owners_rights = cursor.fetchone()

    assert set(config) == {"search_path=pg_catalog, pg_temp", "lock_timeout=5s"}
    assert with_owners_rights


def test_the_site_reads_the_log(db):
    make_entry(target_id="12")

    assert Entry.objects.get().target_id == "12"


def test_the_model_cannot_save_or_delete(db):
    entry = make_entry()

    with pytest.raises(ProgrammingError), transaction.atomic():
        entry.save()
    with pytest.raises(ProgrammingError), transaction.atomic():
        entry.delete()


def test_nobody_but_the_site_may_append(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "select has_function_privilege(oid, 'execute'), has_function_privilege('public', oid, 'execute')"
            " from pg_proc where proname = 'admin_audit_log_append'"
        )

        assert cursor.fetchone() == (True, False)
