"""manage.py detect: what scripts rely on."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from anomalies.models import Anomaly, DetectionRun, RuleMark
from anomalies.runs import held
from systems.tests.paperclips.factories import OrderFactory
from systems.tests.paperclips.system import SYSTEM

pytestmark = pytest.mark.django_db

KEYS = ["system", "rule", "subject", "fingerprint", "verdict", "severity", "observed_at", "amount", "unit", "facts"]


def detect(*arguments):
    out, err = StringIO(), StringIO()
    call_command("detect", "paperclips", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def ago(**length):
    return timezone.now() - timedelta(**length)


def test_it_finds_and_says_a_sentence_with_numbers():
    OrderFactory(id=7, shipped=True)

    out, _err = detect()

    assert out == ("paperclips: 1 found, 1 to look at, 1 new; 0 checked again, 0 cleared.\n")
    assert Anomaly.objects.get().subject == "7"


def test_json_is_one_object_a_finding_and_words_go_elsewhere():
    OrderFactory(id=7, shipped=True)
    OrderFactory(id=8, sample=True)

    out, err = detect("--json")

    first, second = map(json.loads, sorted(out.splitlines()))
    assert [list(first), list(second)] == [KEYS, KEYS]
    assert (first["fingerprint"], first["amount"], first["unit"]) == ("paperclips:shipped_unpaid:7", 500, "JPY")
    assert first["observed_at"] == "2026-11-02T03:00:00+00:00"
    assert first["facts"]["order_id"] == "7"
    assert second["verdict"] == "expected"
    assert "2 found, 1 to look at" in err


def test_nothing_found_is_no_failure():
    assert detect("--json")[0] == ""


def test_an_age_is_a_window():
    OrderFactory(id=1, shipped=True, changed_at=ago(hours=3))
    OrderFactory(id=2, shipped=True, changed_at=ago(minutes=30))

    detect("--since", "2h")

    assert Anomaly.objects.get().subject == "2"
    assert not RuleMark.objects.exists()


def test_a_window_has_an_end():
    OrderFactory(id=1, shipped=True, changed_at=ago(hours=3))
    OrderFactory(id=2, shipped=True, changed_at=ago(minutes=30))

    detect("--since", "7d", "--until", "2h")

    assert Anomaly.objects.get().subject == "1"


def test_all_is_the_whole_history():
    detect()
    OrderFactory(id=1, shipped=True, changed_at=ago(days=4_000))

    detect("--all")

    assert DetectionRun.objects.newest_first()[0].whole
    assert Anomaly.objects.get().subject == "1"


def test_a_dry_run_keeps_nothing():
    OrderFactory(id=7, shipped=True)

    out, _err = detect("--dry-run", "--json")

    assert json.loads(out)["subject"] == "7"
    assert not Anomaly.objects.exists()
    assert not DetectionRun.objects.exists()


def test_a_failing_source_is_exit_code_one_and_the_others_run(settings):
    OrderFactory(id=7, shipped=True)
    settings.BILLING_SYSTEMS = ["systems.tests.paperclips", "anomalies.tests.umbrellas"]
    err = StringIO()

    with pytest.raises(CommandError, match="Detection failed for umbrellas") as failure:
        call_command("detect", "paperclips", "umbrellas", stdout=StringIO(), stderr=err)

    assert failure.value.returncode == 1
    assert "UMBRELLAS_DATABASE_URL" in err.getvalue()
    assert Anomaly.objects.get().subject == "7"


def test_a_system_that_is_not_connected_is_left_out_unless_it_is_named(settings):
    OrderFactory(id=7, shipped=True)
    settings.BILLING_SYSTEMS = ["systems.tests.paperclips", "anomalies.tests.umbrellas"]

    call_command("detect", stdout=StringIO(), stderr=StringIO())

    assert [run.system for run in DetectionRun.objects.all()] == ["paperclips"]


def test_while_another_run_is_at_it_the_caller_is_told():
    err = StringIO()

    with held(SYSTEM), pytest.raises(CommandError) as failure:
        call_command("detect", "paperclips", stdout=StringIO(), stderr=err)

    assert failure.value.returncode == 1
    assert "is running already" in err.getvalue()


@pytest.mark.parametrize(
    "arguments",
    [
        ["umbrella"],
        ["paperclips", "--since", "yesterday"],
        ["paperclips", "--since", "2h", "--until", "7d"],
        ["paperclips", "--since", "2026-11-02T03:00Z", "--until", "2026-11-02T03:00Z"],
        ["paperclips", "--since", "2999-01-01"],
        ["paperclips", "--all", "--since", "2h"],
        ["paperclips", "--since", "999999w"],
        ["paperclips", "--loud"],
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_two(arguments):
    with pytest.raises(CommandError) as refusal:
        call_command("detect", *arguments)

    assert refusal.value.returncode == 2
    assert "\n" not in str(refusal.value)
    assert not DetectionRun.objects.exists()


class Terminal(StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_how_far_it_is():
    OrderFactory(id=7, shipped=True)
    terminal = Terminal()

    call_command("detect", "paperclips", "--all", "--json", stdout=StringIO(), stderr=terminal)

    assert "order_payment [##############################] 1/1" in terminal.getvalue()


class Closed:
    """A reader that had enough after the first line, as ``head -1`` is."""

    def __init__(self):
        self.lines = []

    def write(self, text):
        if self.lines:
            raise BrokenPipeError
        self.lines.append(text)


def test_a_reader_that_has_enough_fails_no_rule():
    OrderFactory.create_batch(3, shipped=True)
    out = Closed()

    call_command("detect", "paperclips", "--json", stdout=out, stderr=StringIO())

    assert len(out.lines) == 1
    assert Anomaly.objects.count() == 3
    assert DetectionRun.objects.get().state == "done"
