"""Anchors: what an owner of the tables cannot write anew is noted elsewhere; a verdict says how far that reaches."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.utils import timezone

from audit import anchors
from audit.factories import make_entry
from audit.models import Entry
from audit.verification import Fault, Verdict, verify
from audit.verifier.verify_audit_export import AnchorsUnreadable, read_anchors

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)


@pytest.fixture
def file(tmp_path, settings):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "kept" / "anchors.jsonl")
    return tmp_path / "kept" / "anchors.jsonl"


def happen(count=1):
    with transaction.atomic():
        return [make_entry(target_id=number) for number in range(count)]


@pytest.fixture
def rewrite():
    """As the owner, past all guards; they are put back at the end."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("alter table admin_audit_log disable trigger user")
        yield cursor.execute
        cursor.execute("truncate admin_audit_log")
        for name in ("admin_audit_log_no_change", "admin_audit_log_no_truncate", "jobs_anchor_audit_log"):
            cursor.execute(f"alter table admin_audit_log enable always trigger {name}")


def command(*arguments):
    out, code = StringIO(), 0
    try:
        call_command("verify_audit", *map(str, arguments), stdout=out)
    except SystemExit as stop:
        code = stop.code
    return code, out.getvalue()


# Writing -------------------------------------------------------------------------------------------------------------


def test_an_anchor_names_the_head_and_the_line_before_it(file):
    happen(2)
    anchors.write(NOW)
    happen()
    anchors.write(NOW)

    first, second = file.read_bytes().splitlines()
    assert json.loads(first)["position"] == json.loads(first)["count"] == 2
    assert json.loads(second)["hash"] == Entry.objects.get(pk=3).hash
    assert json.loads(second)["previous"] == hashlib.sha256(first).hexdigest()


def test_a_head_that_did_not_move_is_noted_again_after_a_while(file):
    happen()
    for minutes in (0, 1, 5, 10):
        anchors.write(NOW + timedelta(minutes=minutes))

    assert [anchor.at for anchor in read_anchors(file)] == [NOW, NOW + timedelta(minutes=10)]


def test_an_empty_log_is_anchored_as_empty(file):
    assert anchors.write(NOW).position == 0
    assert read_anchors(file)[0].hash == "0" * 64


def test_a_line_that_broke_off_spoils_no_other(file):
    happen()
    anchors.write(NOW)
    with file.open("ab") as stream:
        stream.write(b'{"position": 7, "ha')
    happen()
    anchors.write(NOW)

    assert [anchor.position for anchor in read_anchors(file)] == [1, 2]


def test_without_a_file_nothing_is_noted(settings):
    settings.AUDIT_ANCHOR_FILE = ""

    assert anchors.write(NOW) is None


def test_what_may_yet_be_rolled_back_is_not_anchored(file):
    with transaction.atomic(), pytest.raises(anchors.UncommittedHead):
        anchors.write(NOW)


@pytest.mark.parametrize("attack", ["delete from admin_audit_log where position = 3", "truncate admin_audit_log"])
def test_an_anchor_that_contradicts_an_earlier_one_is_refused(file, rewrite, attack, caplog):
    happen(3)
    anchors.write(NOW)
    before = file.read_bytes()
    rewrite(attack)

    with pytest.raises(anchors.Contradiction, match="position 3"):
        anchors.write(NOW)

    assert file.read_bytes() == before
    assert caplog.records[-1].levelname == "CRITICAL"


# Reading -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "quoted", "base64", "quoted-printable", "mbox", "crlf"])
def test_a_saved_mail_is_a_witness(tmp_path, form):
    happen(3)
    saved, body = tmp_path / "mail.eml", f"Approved.\n承認済み\n\n{anchors.footer(NOW)}"
    mail = EmailMessage()
    mail["Subject"] = "Approved"
    mail.set_content(body, cte=form if form in ("base64", "quoted-printable") else "8bit")
    raw = {
        "text": body.encode(),
        "quoted": "".join(f"> {line}\n" for line in body.splitlines()).encode(),
        "mbox": b"From console Wed Mar  4 05:06:07 2026\n" + mail.as_bytes() + b"\n",
        "crlf": mail.as_bytes().replace(b"\n", b"\r\n"),
    }
    saved.write_bytes(raw.get(form, mail.as_bytes()))

    found = read_anchors(saved)

    assert [(one.position, one.hash, one.at) for one in found] == [(3, Entry.objects.get(pk=3).hash, NOW)]


def test_a_footer_fits_into_the_line_of_a_mail():
    happen()

    assert max(len(line) for line in anchors.footer(NOW).splitlines()) <= 76


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: [lines[0], lines[2]],
        lambda lines: lines[1:],
        lambda lines: [
            lines[0].replace(b'"position": 1', b'"position": 2').replace(b'"count": 1', b'"count": 2'),
            *lines[1:],
        ],
        lambda lines: [lines[0].replace(b'"count": 1', b'"count": 9'), *lines[1:]],
        lambda lines: [b"nothing"],
        lambda lines: [],
    ],
)
def test_a_file_that_was_changed_is_no_witness(file, spoil):
    for _ in range(3):
        happen()
        anchors.write(NOW)
    file.write_bytes(b"".join(line + b"\n" for line in spoil(file.read_bytes().splitlines())))

    with pytest.raises(AnchorsUnreadable):
        read_anchors(file)


# Verdicts ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def anchored(file):
    """Ten entries, anchored at 3, 6 and 9."""
    for number in range(1, 11):
        happen()
        if number in (3, 6, 9):
            anchors.write(timezone.now())
    return read_anchors(file)


REHASH = """
do $$ declare entry record; previous text := (select hash from admin_audit_log where position = {first} - 1); begin
    for entry in select * from admin_audit_log where position >= {first} order by position loop
        update admin_audit_log set previous_hash = coalesce(previous, repeat('0', 64)),
            hash = public.admin_audit_log_hash(position, coalesce(previous, repeat('0', 64)), canonical)
        where position = entry.position returning hash into previous;
    end loop;
end $$
"""
NICER = """
update admin_audit_log set reason = 'nicer', canonical = public.admin_audit_log_canonical(at, actor_id, actor,
    action_type, target_type, target_id, outcome, 'nicer', job_id, tx_id, system, correlation_id, metadata),
    hash = public.admin_audit_log_hash(position, previous_hash, public.admin_audit_log_canonical(at, actor_id, actor,
    action_type, target_type, target_id, outcome, 'nicer', job_id, tx_id, system, correlation_id, metadata))
where position = {}
"""


def test_a_whole_log_is_anchored_up_to_the_last_anchor(anchored):
    finding = verify(anchors=anchored)

    assert (finding.verdict, finding.anchored, finding.tail, finding.anchors) == (Verdict.INTACT, 9, 1, 3)
    assert finding == verify(anchors=anchored, fast=True)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(("first", "start", "until"), [(2, 1, 3), (5, 4, 6), (9, 7, 9)])
def test_a_chain_written_anew_is_found_between_two_anchors(anchored, rewrite, fast, first, start, until):
    rewrite(NICER.format(first))
    rewrite(REHASH.format(first=first + 1))
    assert verify(fast=fast).verdict == Verdict.INTACT  # alone it is consistent

    finding = verify(anchors=anchored, fast=fast)

    assert (finding.verdict, finding.fault) == (Verdict.BROKEN, Fault.REWRITTEN)
    assert (finding.position, finding.until, finding.anchored) == (start, until, start - 1 or None)


@pytest.mark.parametrize("fast", [False, True])
def test_a_cut_end_is_found_with_what_is_missing(anchored, rewrite, fast):
    rewrite("delete from admin_audit_log where position > 7")

    finding = verify(anchors=anchored, fast=fast)

    assert (finding.verdict, finding.fault) == (Verdict.BROKEN, Fault.CUT)
    assert (finding.position, finding.until, finding.anchored) == (8, 9, 6)


@pytest.mark.parametrize("fast", [False, True])
def test_a_log_that_was_emptied_is_found(anchored, rewrite, fast):
    rewrite("truncate admin_audit_log")

    assert verify(anchors=anchored, fast=fast).fault == Fault.CUT


@pytest.mark.parametrize("fast", [False, True])
def test_the_first_of_several_faults_is_told(anchored, rewrite, fast):
    rewrite(NICER.format(2))
    rewrite("delete from admin_audit_log where position = 8")

    finding = verify(anchors=anchored, fast=fast)

    assert (finding.position, finding.fault) == (3, Fault.LINK)


@pytest.mark.parametrize("fast", [False, True])
def test_a_tail_that_no_anchor_holds_for_long_cannot_be_told(anchored, fast):
    soon, late = timezone.now() + timedelta(minutes=29), timezone.now() + timedelta(minutes=31)

    assert verify(anchors=anchored, now=soon, fast=fast).verdict == Verdict.INTACT
    finding = verify(anchors=anchored, now=late, fast=fast)
    assert (finding.verdict, finding.tail) == (Verdict.CANNOT_TELL, 1)


# The command ---------------------------------------------------------------------------------------------------------


def test_the_command_compares_the_consoles_own_file(anchored, rewrite):
    assert "Anchored up to 9 at" in command()[1]
    rewrite("delete from admin_audit_log where position > 7")

    assert command()[0] == command("--fast")[0] == 1


def test_the_command_compares_a_mail_too(anchored, file, rewrite, tmp_path):
    saved = tmp_path / "mail.txt"
    saved.write_text(anchors.footer(timezone.now()))
    assert command("--anchors", saved)[0] == 0
    rewrite("delete from admin_audit_log where position = 10")

    code, said = command("--json", "--anchors", saved)

    assert (code, json.loads(said)["fault"], json.loads(said)["position"]) == (1, "cut", 10)


def test_a_missing_source_of_anchors_cannot_be_told(anchored, file, tmp_path):
    assert command("--anchors", tmp_path / "nowhere")[0] == 3
    file.unlink()
    assert command()[0] == 3


def test_a_broken_log_is_broken_whatever_anchors_are_missing(anchored, file, rewrite):
    file.unlink()
    rewrite("delete from admin_audit_log where position = 7")

    assert command()[0] == 1
