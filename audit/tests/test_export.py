"""The whole log as one file: what an outsider does with it, and that it agrees with what the console says."""

import io
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from audit import anchors, export
from audit.factories import make_entry
from audit.models import Entry, Reading
from audit.verification import Verdict, verify
from audit.verifier.verify_audit_export import verify_export

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
AWKWARD = 'quote " back \\ tab \t line \n bell \x07 del \x7f 日本 \u2028 🙂 é'


@pytest.fixture
def entries():
    with transaction.atomic():
        return [make_entry(reason=AWKWARD, metadata={"after": {"é": number, "B": [True, None]}}) for number in range(5)]


def exported(tmp_path, name="log.zip"):
    file = tmp_path / name
    last = Entry.objects.newest_first().first().position
    file.write_bytes(b"".join(export.archive(last, NOW)))
    return file


def outsider(file, *arguments, folder):
    """Somebody with the file, Python, and nothing of ours."""
    zipfile.ZipFile(file).extractall(folder)
    command = [sys.executable, "-I", str(folder / "verify_audit_export.py"), "--json", str(file), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env={})
    return done.returncode, json.loads(done.stdout)


@pytest.mark.django_db
def test_an_outsider_verifies_it_with_python_alone(entries, tmp_path):
    code, said = outsider(exported(tmp_path), folder=tmp_path)

    assert (code, said["verdict"], said["entries"]) == (0, "intact", 5)
    assert said["hash"] == entries[-1].hash


@pytest.mark.django_db
def test_the_manifest_says_what_it_holds(entries, tmp_path):
    manifest = json.loads(zipfile.ZipFile(exported(tmp_path)).read("manifest.json"))

    assert (manifest["first"], manifest["last"], manifest["count"]) == (1, 5, 5)
    assert manifest["head"] == entries[-1].hash
    assert manifest["filters"] == "whole range"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "attack",
    [
        "update admin_audit_log set reason = 'nicer' where position = 3",
        "delete from admin_audit_log where position = 2",
        "delete from admin_audit_log where position > 3",
        "truncate admin_audit_log",
        "select 1",
    ],
)
def test_the_outsider_the_walk_and_the_database_agree(entries, tmp_path, settings, attack):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    anchors.write(NOW)
    known = anchors.known()[0]
    with connections["owner"].cursor() as cursor, unguarded(cursor):
        cursor.execute(attack)
        (tmp_path / "log.zip").write_bytes(b"".join(export.archive(5, NOW)))
        found = [
            verify(anchors=known, now=NOW),
            verify(anchors=known, now=NOW, fast=True),
            verify_export(tmp_path / "log.zip", [tmp_path / "anchors.jsonl"]),
        ]

    assert found[0] == found[1] == found[2]
    assert (found[0].verdict == Verdict.INTACT) == (attack == "select 1")


class unguarded:
    def __init__(self, cursor):
        self.execute = cursor.execute

    def __enter__(self):
        self.execute("alter table admin_audit_log disable trigger user")
        self.execute("alter table admin_audit_log drop constraint admin_audit_log_canonical_says_the_same")

    def __exit__(self, *_raised):
        self.execute("truncate admin_audit_log")
        for name in ("admin_audit_log_no_change", "admin_audit_log_no_truncate", "jobs_anchor_audit_log"):
            self.execute(f"alter table admin_audit_log enable always trigger {name}")
        self.execute(
            "alter table admin_audit_log add constraint admin_audit_log_canonical_says_the_same check ("
            " canonical = public.admin_audit_log_canonical(at, actor_id, actor, action_type, target_type, target_id,"
            " outcome, reason, job_id, tx_id, system, correlation_id, metadata))"
        )


@pytest.mark.django_db
def test_an_export_that_lost_its_end_is_not_whole(entries, tmp_path):
    file, shorter = exported(tmp_path), tmp_path / "shorter.zip"
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(shorter, "w") as cut:
        cut.writestr("manifest.json", whole.read("manifest.json"))
        cut.writestr("entries.jsonl", b"".join(whole.read("entries.jsonl").splitlines(keepends=True)[:3]))

    assert verify_export(shorter, []).verdict == Verdict.CANNOT_TELL


@pytest.mark.parametrize("content", [b"", b"no zip", b'{"position": 1}\n', b"PK\x03\x04"])
def test_what_is_no_export_cannot_be_told(tmp_path, content):
    (tmp_path / "odd").write_bytes(content)
    from audit.verifier.verify_audit_export import main

    assert main([str(tmp_path / "odd")]) == 3


@pytest.mark.django_db
def test_it_is_sent_in_pieces(monkeypatch):
    monkeypatch.setattr("audit.export.PIECE", 1_000)
    with transaction.atomic():
        for number in range(2_100):
            make_entry(reason=str(hash(number)) * 20)

    pieces = list(export.archive(2_100, NOW))

    assert len(pieces) > 5


# The page and the command --------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_auditor_takes_all_of_it_and_that_is_recorded(auditor, auditor_client, tmp_path):
    answer = auditor_client.post("/audit/export/whole/", {"system": "imagegen"})

    entry = Entry.objects.get(action_type="audit_log_exported")
    held = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert json.loads(held.read("manifest.json"))["last"] == entry.position - 1
    assert (entry.actor_id, entry.metadata["whole"]) == (f"person:{auditor.pk}", True)


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["support", "approver", "manager", "admin"])
def test_nobody_else_takes_it(who, request):
    assert request.getfixturevalue(f"{who}_client").post("/audit/export/whole/").status_code == 403


@pytest.mark.django_db
def test_the_command_writes_it_once_and_is_recorded(entries, tmp_path, capsys):
    call_command("export_audit", str(tmp_path / "log.zip"))

    assert verify_export(tmp_path / "log.zip", []).entries == 5
    assert Entry.objects.get(action_type="audit_log_exported").actor_id.startswith("command:")
    with pytest.raises(CommandError, match="File exists"):
        call_command("export_audit", str(tmp_path / "log.zip"))


@pytest.mark.django_db
def test_every_look_into_the_log_leaves_a_reading(auditor, auditor_client):
    make_entry(target_id="12")

    auditor_client.get("/audit/", {"q": "12"})
    auditor_client.get(f"/audit/{Entry.objects.first().position}/")

    readings = Reading.objects.order_by("id").values_list("actor_id", "what", "asked")
    assert list(readings) == [
        (f"person:{auditor.pk}", "search", {"q": "12"}),
        (f"person:{auditor.pk}", "entry", {"position": str(Entry.objects.first().position)}),
    ]
