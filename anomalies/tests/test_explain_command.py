"""manage.py explain and manage.py timeline."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from anomalies.factories import MOMENT, AnomalyFactory, CheckFactory, LogLineFactory
from systems.tests.paperclips.factories import OrderFactory, PaymentFactory

pytestmark = pytest.mark.django_db


def called(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def lines(*arguments):
    return [json.loads(line) for line in called(*arguments, "--json").splitlines()]


def test_every_rule_is_explained_each_condition_with_what_was_observed():
    OrderFactory(id=7, shipped=True)

    unpaid, twice = lines("explain", "paperclips", "#7")

    assert (unpaid["rule"], unpaid["subject"], unpaid["holds"], unpaid["verdict"]) == (
        "shipped_unpaid", "7", True, "anomaly",
    )  # fmt: skip
    assert unpaid["cases"][0]["fingerprint"] == "paperclips:shipped_unpaid:7"
    assert [(told["name"], told["wanted"], told["observed"]) for told in unpaid["cases"][0]["conditions"]] == [
        ("shipped", True, True),
        ("paid", False, False),
        ("sample", True, False),
    ]
    assert (twice["rule"], twice["known"], twice["holds"]) == ("paid_twice", False, False)


def test_it_says_why_not():
    OrderFactory(id=7, shipped=True)
    PaymentFactory(order_id=7)

    told = called("explain", "paperclips", "7")

    assert "no anomaly" in told
    assert "✗ A payment names the order. yes (the rule wants no)" in told


def test_an_expected_match_is_said_to_be():
    OrderFactory(id=7, sample=True)

    assert lines("explain", "paperclips", "7")[0]["verdict"] == "expected"


@pytest.mark.parametrize("command", ["explain", "timeline"])
@pytest.mark.parametrize("arguments", [["umbrella", "7"], ["paperclips", "no number"], ["paperclips"]])
def test_wrong_usage_is_one_line_and_exit_code_two(command, arguments):
    with pytest.raises(CommandError) as refusal:
        call_command(command, *arguments)

    assert refusal.value.returncode == 2
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("command", ["explain", "timeline"])
def test_a_source_that_does_not_answer_is_exit_code_one(command, settings):
    settings.BILLING_SYSTEMS = ["anomalies.tests.umbrellas"]

    with pytest.raises(CommandError, match="UMBRELLAS_DATABASE_URL") as failure:
        call_command(command, "umbrellas", "7")

    assert failure.value.returncode == 1


def test_the_timeline_is_in_order_with_what_the_console_knows():
    OrderFactory(id=7, shipped=True)
    anomaly = AnomalyFactory(subject="7")
    CheckFactory(anomaly=anomaly, at=MOMENT + timedelta(hours=2))
    LogLineFactory(subject="7", at=MOMENT + timedelta(hours=1))

    told = lines("timeline", "paperclips", "7")

    assert [(event["kind"], event["ghost"], event["after_seconds"]) for event in told] == [
        ("job", False, None),
        ("ledger", True, None),
        ("log", False, 3600),
        ("check", False, 3600),
    ]
    assert told[0]["amount"] == 500


def test_the_timeline_reads_well_as_text():
    OrderFactory(id=7, shipped=True)

    assert called("timeline", "paperclips", "7").splitlines() == [
        "2026-11-02 03:00:00 job         order shipped  500 JPY",
        "2026-11-02 03:00:00 ledger      [missing] payment",
    ]


def test_a_subject_nobody_knows_is_told_where_it_breaks_no_script():
    out, said = StringIO(), StringIO()

    call_command("timeline", "paperclips", "99", "--json", stdout=out, stderr=said)

    assert out.getvalue() == ""
    assert "Nothing is known of “99” in paperclips." in said.getvalue()
