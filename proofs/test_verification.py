"""A million entries are verified while somebody waits: in the database, by the walk, and by an outsider's Python.

The log is made by its owner in one go, sealed as the console seals it; what is timed is the verification alone.
"""

import hashlib
import itertools
import json
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.utils import timezone

from audit import anchors, export, verification
from audit.inspection import discrepancies
from audit.verification import BEFORE_THE_FIRST, Verdict, fixed_form, seal, told, verify
from proofs import tampering

pytestmark = pytest.mark.django_db(transaction=True)

IN_SQL, ALONE = 20, 60  # seconds for a million entries


@pytest.fixture
def file(tmp_path, settings):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    return tmp_path / "anchors.jsonl"


def entries(count):
    previous, begun = BEFORE_THE_FIRST, datetime(2026, 1, 1, tzinfo=UTC)
    for position in range(1, count + 1):
        said = _said(position)
        canonical = told(said | {"at": fixed_form(begun + timedelta(seconds=position))})
        digest = seal(position, previous, canonical)
        columns = [begun + timedelta(seconds=position), *(said[name] for name in tampering.SAID[1:-1])]
        yield position, *columns, told(said["metadata"]), canonical, previous, digest
        previous = digest


def _said(position):
    amount = {"amount": position % 1_000, "unit": "credits"}
    return dict.fromkeys(tampering.SAID[1:], "") | {
        "actor_id": f"person:{position % 20}",
        "actor": f"Aiko Tanaka {position % 20} <aiko@billing.example>",
        "action_type": "adjustment_approved",
        "outcome": "done",
        "target_type": "adjustment",
        "target_id": hashlib.md5(str(position).encode()).hexdigest(),
        "reason": "The job failed and was charged; 返金.",
        "job_id": f"job-{position}",
        "metadata": {"before": {"state": "pending"}, "after": {"state": "approved", **amount}, "lines": 3},
    }


@pytest.fixture
def log(planted, file):
    """So many entries, written past the guards; taken out again with them."""

    def make(count):
        tampering.open_up(planted)
        owner = connections["owner"]
        with owner.cursor() as cursor:
            with cursor.copy(f"copy admin_audit_log ({', '.join(tampering.COLUMNS)}) from stdin") as copy:
                for row in entries(count):
                    copy.write_row(row)
            cursor.execute("alter table admin_audit_log add constraint admin_audit_log_pkey primary key (position)")
            cursor.execute("analyze admin_audit_log")
        anchors.write(timezone.now())

    yield make
    with connections["owner"].cursor() as cursor:
        cursor.execute("truncate admin_audit_log")
        cursor.execute("alter table admin_audit_log drop constraint if exists admin_audit_log_pkey")


def timed(act):
    begun = time.monotonic()
    return act(), time.monotonic() - begun


@pytest.fixture
def prove_verification(log, file, tmp_path, figure):
    def prove(count):
        log(count)
        known, now = anchors.known()[0], timezone.now()
        in_sql, seconds_in_sql = timed(lambda: verify(anchors=known, now=now, fast=True))
        walked, seconds_walked = timed(lambda: verify(anchors=known, now=now))
        archive = tmp_path / "log.zip"
        with archive.open("wb") as target:
            _none, seconds_exported = timed(lambda: target.writelines(export.archive(None, now)))
        alone, seconds_alone = timed(lambda: outsider(archive, file))
        _odd, seconds_crossed = timed(lambda: list(discrepancies()))
        figure(
            f"{count:,} entries: {seconds_in_sql:.1f} s in SQL, {seconds_walked:.1f} s by the walk,"
            f" {seconds_alone:.1f} s stand-alone; held against the rows in {seconds_crossed:.1f} s,"
            f" exported in {seconds_exported:.0f} s"
        )
        seen = {"SQL": in_sql.entries, "walk": walked.entries, "alone": alone["entries"]}
        assert set(seen.values()) == {count}, f"not every entry was seen: {seen}"
        assert in_sql == walked
        assert (walked.verdict, alone["verdict"]) == (Verdict.INTACT, "intact")
        return seconds_in_sql, seconds_alone

    return prove


def outsider(archive, file):
    with zipfile.ZipFile(archive) as whole:
        whole.extract("verify_audit_export.py", archive.parent)
    verifier = archive.parent / "verify_audit_export.py"
    done = subprocess.run(
        [sys.executable, "-I", str(verifier), "--json", str(archive), "--anchors", str(file)],
        capture_output=True,
        text=True,
        env={},
    )
    return json.loads(done.stdout)


@pytest.mark.proof("verification")
def test_a_million_entries_are_verified_while_somebody_waits(prove_verification, times, full_size):
    in_sql, alone = prove_verification(times(full=1_000_000, small=2_000))

    if full_size:
        assert in_sql <= IN_SQL
        assert alone <= ALONE


@pytest.mark.sensitivity("verification")
def test_a_verifier_that_looks_at_some_only_would_be_caught(planted, caught, prove_verification):
    whole = verification.walk
    planted.function(verification, "walk", lambda rows, *known, **given: whole(itertools.islice(rows, 100), **given))
    with caught("only the first entries are looked at", match="not every entry was seen"):
        prove_verification(200)
