from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone, translation
from django.utils.html import format_html

from billingadmin.amounts import MINUS, Amount

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def written(tag, **context):
    return Template("{% load console %}" + tag).render(Context(context))


def test_an_amount_has_its_unit_and_its_sign():
    text = written("{% amount -120050 'USD' %}")

    assert f"{MINUS}1,200.50" in text
    assert "USD" in text
    assert 'data-sign="-"' in text


def test_an_amount_may_come_whole_or_not_at_all():
    assert "+12" in written("{% amount it signed=True %}", it=Amount(12, "credits"))
    assert "–" in written("{% amount it %}", it=None)


def test_a_moment_is_in_the_readers_zone_with_utc_on_hover():
    with timezone.override("Asia/Tokyo"):
        text = written("{% moment at %}", at=NOW)

    assert ">2026-11-20 21:00<" in text
    assert 'title="2026-11-20 12:00:00 UTC"' in text
    assert 'datetime="2026-11-20T12:00:00.000000Z"' in text


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_the_ends_of_the_calendar_are_shown_too(at, zone):
    with timezone.override(zone):
        assert str(at.year) in written("{% moment at %}{% ago at %}", at=at, now=NOW)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=10), "just now"),
        (timedelta(seconds=-10), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=30), "1 d ago"),
        (timedelta(hours=-2), "in 2 h"),
    ],
)
def test_ago_is_measured_by_the_pages_clock(before, words):
    assert f">{words}<" in written("{% ago at %}", at=NOW - before, now=NOW)


def test_a_day_names_the_zone_in_which_it_begins():
    text = written("{% day on zone %}", on=date(2026, 11, 20), zone=ZoneInfo("Asia/Tokyo"))

    assert "2026-11-20" in text
    assert text.count("Asia/Tokyo") == 2


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (0, "0 s"),
        (0.34, "340 ms"),
        (59, "59 s"),
        (303, "5 min 3 s"),
        (3600, "1 h"),
        (90061, "1 d 1 h"),
        (-90, f"{MINUS}1 min 30 s"),
        (timedelta(days=3), "3 d"),
        (None, "–"),
    ],
)
def test_a_duration_is_said_in_two_units(length, words):
    assert written("{{ length|duration }}", length=length) == words


def test_badges_say_in_words_what_their_colour_says():
    assert written("{% level_badge 'warning' %}") == '<span class="badge" data-level="warning">warning</span>'
    assert written("{% level_badge None %}") == '<span class="badge" data-level="unknown">unknown</span>'
    assert 'data-severity="major">major<' in written("{% severity_badge 'major' %}")
    assert "needs attention" in written("{% state_badge 'needs_attention' %}")


def test_a_word_we_do_not_know_stands_for_itself_escaped():
    text = written("{% state_badge state %}{% level_badge state %}", state='<"odd">')

    assert '<"odd">' not in text
    assert text.count("&lt;&quot;odd&quot;&gt;") == 4


class Hidden:
    def __html__(self):
        return format_html("<i>{}</i>", "hidden")


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (None, "–"),
        ("", "empty"),
        (True, "yes"),
        (0, "0"),
        ("<b>", "&lt;b&gt;"),
        ([1, None], '1, <span class="soft">–</span>'),
        ({"a": "<"}, "<dt>a</dt><dd>&lt;</dd>"),
        (NOW, "12:00:00"),
        ("2026-11-20T12:00:00.123456+00:00", ">2026-11-20 12:00:00<"),
        ("2026-11-20T12:00:00Z", ">2026-11-20 12:00:00<"),
        ("2026-13-20T12:00:00Z", "2026-13-20T12:00:00Z"),
        ("2026-02-31T12:00:00Z", "2026-02-31T12:00:00Z"),
        ("2026-11-20T12:00:00", "2026-11-20T12:00:00"),
        ("5A4BB1C6-2F6E-4B0E-9CB3-8DB7F0D2A511", 'data-copy="5A4BB1C6-2F6E-4B0E-9CB3-8DB7F0D2A511"'),
        (Hidden(), "<i>hidden</i>"),
    ],
)
def test_a_value_is_shown_as_found(found, shown):
    assert shown in written("{% value found %}", found=found)


def test_an_identifier_is_copied_by_a_click():
    text = written("{% ident it %}", it='a"b')

    assert 'data-copy="a&quot;b"' in text
    assert "–" in written("{% ident it %}", it=None)


@pytest.mark.parametrize(
    ("observed", "wanted", "shown"), [(True, True, "true"), (True, False, "false"), (None, True, "unknown")]
)
def test_a_condition_holds_or_not_or_cannot_be_told(observed, wanted, shown):
    assert written("{% holds observed wanted %}", observed=observed, wanted=wanted) == shown


def test_a_heading_sorts_its_own_way_first_and_then_the_other():
    assert written("{% sort_link '' 'at' %}") == "-at"
    assert written("{% sort_link '-at' 'at' %}") == "at"
    assert written("{% sort_link 'at' 'at' %}") == "-at"
    assert written("{% sort_link '-at' 'name' '' %}") == "name"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_moment_in_a_sentence_is_written_the_same_way(language):
    with translation.override(language), timezone.override("Asia/Tokyo"):
        assert (
            Template("{{ at }}, {{ on }}").render(Context({"at": NOW, "on": NOW.date()}))
            == "2026-11-20 21:00, 2026-11-20"
        )
