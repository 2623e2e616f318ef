"""Verification: what an owner who passes the guards leaves behind is found, and located."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction

from audit.factories import make_entry
from audit.models import Entry
from audit.verification import CHUNK, Fault, Verdict, canonical_text, seal, verify

pytestmark = pytest.mark.django_db(transaction=True)

UNGUARDED = """
alter table admin_audit_log disable trigger admin_audit_log_no_change;
alter table admin_audit_log disable trigger admin_audit_log_no_truncate;
alter table admin_audit_log drop constraint admin_audit_log_canonical_says_the_same;
alter table admin_audit_log drop constraint admin_audit_log_hash_seals;
alter table admin_audit_log drop constraint admin_audit_log_one_successor;
"""
SEALED = """
update admin_audit_log
set canonical = {canonical}, hash = public.admin_audit_log_hash(position, previous_hash, {canonical})
where position = {position}
"""
AWKWARD = 'quote " back \\ tab \t line \n bell \x07 del \x7f 日本 \u2028 🙂 é'


@pytest.fixture
def entries():
    with transaction.atomic():
        return [make_entry(target_id=number, metadata={"after": {"n": number}}) for number in range(1, 6)]


@pytest.fixture
def tamper(entries):
    """Runs statements as the owner, past all guards; everything is undone at the end."""
    owner = connections["owner"]
    with owner.cursor() as cursor:
        cursor.execute(UNGUARDED)
        yield cursor.execute
        cursor.execute("truncate admin_audit_log")
        cursor.execute(GUARDED)


GUARDED = """
alter table admin_audit_log enable always trigger admin_audit_log_no_change;
alter table admin_audit_log enable always trigger admin_audit_log_no_truncate;
alter table admin_audit_log add constraint admin_audit_log_canonical_says_the_same check (
    canonical = public.admin_audit_log_canonical(at, actor_id, actor, action_type, target_type, target_id, outcome,
        reason, job_id, tx_id, system, correlation_id, metadata));
alter table admin_audit_log add constraint admin_audit_log_hash_seals check (
    hash = public.admin_audit_log_hash(position, previous_hash, canonical));
alter table admin_audit_log add constraint admin_audit_log_one_successor unique (previous_hash);
"""


def told(finding):
    return finding.verdict, finding.position, finding.fault


def command(*arguments):
    out, code = StringIO(), 0
    try:
        call_command("verify_audit", *arguments, stdout=out)
    except SystemExit as stop:
        code = stop.code
    return code, out.getvalue()


def test_an_untouched_log_is_intact(entries):
    finding = verify()

    assert finding.verdict == Verdict.INTACT
    assert (finding.entries, finding.position, finding.hash) == (5, 5, entries[-1].hash)


def test_the_database_says_the_same_of_an_untouched_log(entries):
    assert verify(fast=True) == verify()


def test_both_take_a_position_that_is_there_twice_or_not_at_all_for_a_stray(tamper):
    tamper("alter table admin_audit_log drop constraint admin_audit_log_pkey")
    tamper("alter table admin_audit_log alter position drop not null")
    tamper("alter table admin_audit_log drop constraint admin_audit_log_position_counts")
    try:
        tamper("insert into admin_audit_log select * from admin_audit_log where position = 2")
        assert told(verify()) == told(verify(fast=True)) == (Verdict.BROKEN, 2, Fault.STRAY)
        tamper("delete from admin_audit_log where ctid = (select max(ctid) from admin_audit_log where position = 2)")
        tamper("update admin_audit_log set position = null where position = 5")
        assert told(verify()) == told(verify(fast=True)) == (Verdict.BROKEN, 4, Fault.STRAY)
        tamper("update admin_audit_log set position = -1 where position is null")
        assert told(verify()) == told(verify(fast=True)) == (Verdict.BROKEN, 1, Fault.STRAY)
    finally:
        tamper("truncate admin_audit_log")
        tamper("alter table admin_audit_log add constraint admin_audit_log_pkey primary key (position)")
        tamper("alter table admin_audit_log add constraint admin_audit_log_position_counts check (position > 0)")


def test_the_command_says_intact_and_exits_0(entries):
    code, said = command()

    assert code == 0
    assert said.startswith("Intact: 5 entries, head 5 ")


def test_an_empty_log_cannot_be_told():
    assert command() == (3, "Cannot tell. The log is empty: nothing happened yet, or everything was removed.\n")


def test_both_implementations_tell_awkward_text_alike():
    metadata = {"zeta": [AWKWARD, {}, [], None, True, -0, 10**30], "é": {"b": 1, "B": 2, "ab": 3}, AWKWARD: ""}

    with transaction.atomic():
        entry = make_entry(reason=AWKWARD, metadata=metadata)

    assert canonical_text(entry) == entry.canonical
    assert json.loads(entry.canonical)["metadata"] == metadata
    assert seal(entry.position, entry.previous_hash, entry.canonical) == entry.hash


def test_a_log_longer_than_a_chunk_is_walked_whole():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "select admin_audit_log_append('a', 'a', 'seen', '', '', 'done', '', '', '', '', '', '{}')"
            " from generate_series(1, %s)",
            [CHUNK + 1],
        )

    assert verify().entries == CHUNK + 1


@pytest.mark.parametrize(
    ("statement", "position", "fault"),
    [
        ("update admin_audit_log set reason = 'nicer' where position = 3", 3, Fault.COLUMNS),
        ("update admin_audit_log set actor = 'Somebody else' where position = 1", 1, Fault.COLUMNS),
        ("update admin_audit_log set at = at + interval '1 microsecond' where position = 4", 4, Fault.COLUMNS),
        ('update admin_audit_log set metadata = \'{"after": {"n": true}}\' where position = 1', 1, Fault.COLUMNS),
        (
            "update admin_audit_log set canonical = replace(canonical, 'done', 'fine') where position = 2",
            2,
            Fault.CONTENT,
        ),
        ("update admin_audit_log set hash = repeat('a', 64) where position = 2", 2, Fault.CONTENT),
        ("update admin_audit_log set previous_hash = repeat('b', 64) where position = 5", 5, Fault.LINK),
        ("delete from admin_audit_log where position = 3", 3, Fault.MISSING),
        ("delete from admin_audit_log where position = 1", 1, Fault.MISSING),
        ("update admin_audit_log set position = 60 where position = 3", 3, Fault.MISSING),
        ("update admin_audit_log set canonical = 'no JSON' where position = 4", 4, Fault.CONTENT),
        ("update admin_audit_log set canonical = '' where position = 4", 4, Fault.CONTENT),
        (SEALED.format(canonical="'no JSON'", position=5), 5, Fault.COLUMNS),
        (SEALED.format(canonical="replace(canonical, ':5', ':5.0')", position=5), 5, Fault.COLUMNS),
        ("update admin_audit_log set reason = E'\t' where position = 5", 5, Fault.COLUMNS),
    ],
)
def test_what_an_owner_changed_is_found_where_it_was(tamper, statement, position, fault):
    tamper(statement)

    assert told(verify()) == told(verify(fast=True)) == (Verdict.BROKEN, position, fault)


def test_an_entry_that_is_trusted_and_gone_is_found(tamper):
    tamper("delete from admin_audit_log where position = 3")

    finding = verify(after=3)

    assert (finding.verdict, finding.position, finding.fault) == (Verdict.BROKEN, 3, Fault.MISSING)


def test_two_entries_that_changed_places_are_found(tamper):
    tamper("update admin_audit_log set position = 10 * position where position in (2, 3)")
    tamper("update admin_audit_log set position = case position when 20 then 3 else 2 end where position > 5")

    assert verify().position == 2


def test_an_entry_slipped_in_at_the_end_without_its_seal_is_found(tamper):
    columns = "at, actor_id, actor, action_type, target_type, target_id, outcome, reason, job_id, tx_id, system,"
    columns += " correlation_id, metadata, canonical"
    tamper(
        f"insert into admin_audit_log (position, {columns}, previous_hash, hash)"
        f" select 6, {columns}, hash, hash from admin_audit_log where position = 5"
    )

    assert (verify().position, verify().fault) == (6, Fault.CONTENT)


def test_the_command_names_the_first_bad_position_and_exits_1(tamper):
    tamper("update admin_audit_log set reason = 'nicer' where position in (3, 4)")

    code, said = command("--json")

    assert code == 1
    assert json.loads(said)["position"] == 3
    assert json.loads(said)["fault"] == "columns"


def test_a_cut_end_needs_a_head_that_was_noted_elsewhere(tamper, entries):
    tamper("delete from admin_audit_log where position > 3")

    finding = verify()

    assert finding.verdict == Verdict.INTACT
    assert (finding.position, finding.hash) != (5, entries[-1].hash)


def test_a_chain_written_anew_needs_a_head_that_was_noted_elsewhere(tamper, entries):
    tamper("update admin_audit_log set reason = 'nicer' where position = 5")
    tamper(
        "update admin_audit_log set canonical = public.admin_audit_log_canonical(at, actor_id, actor, action_type,"
        " target_type, target_id, outcome, reason, job_id, tx_id, system, correlation_id, metadata) where position = 5"
    )
    tamper(
        "update admin_audit_log set hash = public.admin_audit_log_hash(position, previous_hash, canonical)"
        " where position = 5"
    )

    finding = verify()

    assert finding.verdict == Verdict.INTACT
    assert finding.hash != entries[-1].hash


def test_a_log_that_cannot_be_read_cannot_be_told(entries):
    with connections["owner"].cursor() as cursor:
        cursor.execute("alter table admin_audit_log rename to admin_audit_log_away")
        try:
            code, said = command()
        finally:
            cursor.execute("alter table admin_audit_log_away rename to admin_audit_log")

    assert code == 3
    assert "cannot be read" in said


def test_only_the_newest_can_be_verified(entries):
    assert verify(after=3).entries == 2


def test_entries_are_held_a_chunk_at_a_time(entries, monkeypatch):
    monkeypatch.setattr("audit.verification.CHUNK", 2)

    assert verify().entries == Entry.objects.count() == 5
