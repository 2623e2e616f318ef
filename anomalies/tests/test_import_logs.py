import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from anomalies.models import LogLine
from audit.models import Entry

pytestmark = pytest.mark.django_db

LINE = {"at": "2026-11-02T12:00:00+09:00", "source": "till", "level": "info", "message": "rang", "job_id": "#7"}


@pytest.fixture
def imported(tmp_path):
    def imported(*lines, slug="paperclips"):
        path, out, err = tmp_path / "till.jsonl", StringIO(), StringIO()
        path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
        try:
            call_command("import_logs", slug, str(path), stdout=out, stderr=err)
        except CommandError as failure:
            err.write(f"{failure} ({failure.returncode})")
        return out.getvalue().strip(), err.getvalue().splitlines()

    return imported


def test_a_line_is_kept_under_its_subject_as_the_room_writes_it(imported):
    assert imported({**LINE, "request_id": "r1"}) == ("1 lines read, 1 added, 0 could not be read.", [])

    line = LogLine.objects.get()
    assert (line.system, line.subject, line.request_id, line.source, line.level, line.message) == (
        "paperclips", "7", "r1", "till", "info", "rang",
    )  # fmt: skip
    assert line.at.isoformat() == "2026-11-02T03:00:00+00:00"


def test_the_same_file_twice_adds_nothing(imported):
    imported(LINE, {**LINE, "message": "rang again"})

    assert imported(LINE, {**LINE, "message": "rang again"})[0] == "2 lines read, 0 added, 0 could not be read."
    assert LogLine.objects.count() == 2


def test_unreadable_lines_are_counted_and_named_and_the_others_kept(imported):
    out, err = imported(
        b"not json",
        LINE,
        b"",
        b"[1]",
        {**LINE, "at": "noon"},
        {**LINE, "message": ""},
        {**LINE, "job_id": ["7"]},
        b"\xff\xfe",
        {**LINE, "at": "0001-01-01T00:00:00+09:00"},
        b'{"at": "2026-11-02T12:00:00Z", "source": "till", "level": "info", "message": "a\\u0000b"}',
        b"[" * 100_000,
    )

    assert out == "2 lines read, 2 added, 8 could not be read."
    assert [line.split(":")[0] for line in err] == [
        *(f"line {number}" for number in (1, 4, 5, 6, 7, 8, 9, 11)),
        "Not every line could be read. (1)",
    ]
    assert LogLine.objects.count() == 2


def test_an_import_is_recorded(imported):
    imported(LINE, b"not json")

    entry = Entry.objects.get()
    assert (entry.action_type, entry.system) == ("logs_imported", "paperclips")
    assert entry.actor_id.startswith("command:")
    assert entry.metadata == {"file": "till.jsonl", "read": 1, "added": 1, "unreadable": 1}


def test_an_id_the_room_does_not_know_is_kept_as_it_is(imported):
    imported({**LINE, "job_id": "no number"})

    assert LogLine.objects.get().subject == "no number"


def test_a_line_without_a_subject_belongs_to_its_request(imported):
    imported({**LINE, "request_id": "r1"}, {**LINE, "job_id": None, "request_id": "r1", "message": "stored"})
    imported({**LINE, "job_id": "8", "request_id": "r1"}, {**LINE, "job_id": None, "request_id": "r2"})

    assert {line.message for line in LogLine.objects.about("paperclips", "7")} == {"rang", "stored"}
    assert LogLine.objects.about("paperclips", "7").count() == 2


@pytest.mark.parametrize("arguments", [["umbrella", "x"], ["paperclips", "/no/such/file"], ["paperclips"]])
def test_wrong_usage_is_one_line_and_exit_code_two(arguments):
    with pytest.raises(CommandError) as refusal:
        call_command("import_logs", *arguments)

    assert refusal.value.returncode == 2
    assert "\n" not in str(refusal.value)
