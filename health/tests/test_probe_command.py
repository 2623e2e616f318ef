"""manage.py probe: takes and stores readings, and tells them to people or programs."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from health.models import Reading
from health.tests.conftest import probe

pytestmark = pytest.mark.django_db


def run(*arguments):
    said, told = StringIO(), StringIO()
    call_command("probe", *arguments, stdout=said, stderr=told)
    return said.getvalue(), told.getvalue()


def fails(source):
    raise KeyError("till")


def test_it_stores_a_reading_of_each_probe_and_says_how_many(shop):
    shop(probe("till"), probe("shelf"))

    said, told = run()

    assert Reading.objects.count() == 2
    assert "till is calm." in said
    assert "2 readings of 1 systems." in told


def test_json_is_one_object_a_line_with_these_keys_and_nothing_else(shop):
    shop(probe("till"), probe("shelf"))

    said, _told = run("paperclips", "--json")

    first, second = map(json.loads, said.splitlines())
    assert list(first) == ["system", "probe", "level", "value", "unit", "measured_at", "detail"]
    assert (first["probe"], second["probe"], first["value"], first["detail"]) == ("till", "shelf", 1, {})
    assert first["measured_at"].endswith("+00:00")


def test_it_ends_with_exit_1_when_a_reading_could_not_be_taken_and_still_tells_the_others(shop):
    shop(probe("till", fails), probe("shelf"))
    said = StringIO()

    with pytest.raises(CommandError, match="1 of them could not be taken") as failure:
        call_command("probe", "--json", stdout=said, stderr=StringIO())

    assert failure.value.returncode == 1
    assert [json.loads(line)["level"] for line in said.getvalue().splitlines()] == ["unknown", "ok"]


def test_what_is_not_connected_is_left_out_unless_named(shop, monkeypatch):
    shop()
    monkeypatch.delitem(connections.settings, "paperclips")

    assert "0 readings of 0 systems." in run()[1]
    with pytest.raises(CommandError, match="Set PAPERCLIPS_DATABASE_URL"):
        run("paperclips")


@pytest.mark.parametrize("arguments", [("rubberbands",), ("--loud",)])
def test_wrong_usage_is_one_line_and_exit_2(shop, arguments):
    shop()

    with pytest.raises(CommandError) as refusal:
        run(*arguments)

    assert refusal.value.returncode == 2
    assert len(str(refusal.value).splitlines()) == 1
