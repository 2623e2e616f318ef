import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from billingadmin import charts

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOURS = [NOW + timedelta(hours=hour) for hour in range(6)]


def line(values, **options):
    points = list(zip(HOURS, values, strict=False))
    return charts.line(points, **{"title": "Jobs", "finding": "As usual.", "unit": "jobs", **options})


def parts(svg, name):
    return [piece for piece in ET.fromstring(svg).iter() if piece.tag == name]


def test_a_chart_is_a_picture_that_says_what_it_shows():
    root = ET.fromstring(line([1, 2, 3]).svg)

    assert root.get("role") == "img"
    assert [child.text for child in root[:2]] == ["Jobs", "As usual."]


def test_a_chart_carries_no_style_of_its_own():
    svg = line([1, 2, None, 4], band=(1, 3), limits=[charts.Limit(3, "warning", "warn")], flagged=[1]).svg

    assert "style" not in svg
    assert "fill=" not in svg
    assert "#" not in svg


def test_words_are_escaped():
    chart = charts.bars(["<b>"], {"a<i>": [1]}, title="<script>", finding="1 < 2 & 3")

    assert "<script>" not in chart.svg
    assert "&lt;script&gt;" in chart.svg
    assert "&lt;b&gt;: a&lt;i&gt; 1" in chart.svg


def test_a_missing_value_is_a_gap_and_not_a_zero():
    chart = line([1, 2, None, 3, 4])

    assert len(parts(chart.svg, "polyline")) == 2
    assert chart.rows[2][1] == "no value"


def test_a_single_point_is_seen():
    assert len(parts(line([5]).svg, "circle")) == 1
    assert len(parts(line([5, None, 6]).svg, "circle")) == 2


@pytest.mark.parametrize("values", [[], [None, None]])
def test_nothing_to_show_is_an_empty_plane(values):
    assert not parts(line(values).svg, "polyline")


def test_limits_and_band_are_inside_the_picture():
    svg = line([1, 2], band=(0, 80), limits=[charts.Limit(95, "critical", "limit")]).svg

    assert parts(svg, "rect")[0].get("class") == "band"
    assert parts(svg, "g")[0].get("data-level") == "critical"
    assert min(float(piece.get("y1")) for piece in parts(svg, "line")) >= charts.TOP


def test_flagged_values_are_ringed_unless_they_are_missing():
    circles = parts(line([1, None, 3, 4], flagged=[1, 2]).svg, "circle")

    assert [circle.get("class") for circle in circles] == ["dot", "flagged"]


def test_the_table_holds_what_the_picture_shows():
    chart = charts.bars([date(2026, 11, 19), date(2026, 11, 20)], {"a": [1, 2], "b": [0, 5000]}, title="t", finding="f")

    assert list(chart.columns) == ["When", "a", "b"]
    assert list(chart.rows) == [("2026-11-19", "1", "0"), ("2026-11-20", "2", "5,000")]
    assert chart.legend == [("s1", "a"), ("s2", "b")]


def test_bars_stack_upwards_and_what_is_negative_hangs():
    svg = charts.bars(["x"], {"a": [3], "b": [-2], "c": [1]}, title="t", finding="f").svg
    first, below, above = [bar for bar in parts(svg, "rect") if "bar-part" in bar.get("class")]
    foot = [float(bar.get("y")) + float(bar.get("height")) for bar in (first, below, above)]

    assert foot[2] == pytest.approx(float(first.get("y")), abs=0.2)
    assert float(below.get("y")) == pytest.approx(foot[0], abs=0.2)


def test_bars_without_series_or_days_draw_nothing():
    assert charts.bars([], {}, title="t", finding="f").rows == []
    assert charts.bars(["x"], {}, title="t", finding="f").rows == [("x",)]
    assert charts.bars(["x"], {"a": [0]}, title="t", finding="f").svg.count("bar-part") == 0


@given(st.lists(st.integers(-(10**12), 10**12)))
def test_ticks_are_few_round_and_hold_every_value(values):
    ticks = charts.ticks(values)

    assert ticks[0] <= min([0, *values]) <= max([0, *values]) <= ticks[-1]
    assert 2 <= len(ticks) <= 7
    assert 0 in ticks
    assert len({after - before for before, after in pairwise(ticks)}) == 1


def test_all_zeros_have_a_scale():
    assert charts.ticks([0, 0]) == [0, 1]


def test_instants_are_labelled_in_the_readers_zone():
    with timezone.override("Asia/Tokyo"):
        assert charts.moment_label(NOW) == "2026-11-20 21:00"


def test_many_points_have_no_hover_of_their_own():
    points = [(str(index), index) for index in range(charts.MOST_HITS + 1)]

    assert "hit" not in charts.line(points, title="t", finding="f", unit="u").svg


def test_a_narrow_chart_has_fewer_labels_and_the_newest_is_one():
    days = [f"d{index}" for index in range(30)]
    svg = charts.bars(days, {"a": [1] * 30}, title="t", finding="f", width=charts.NARROW).svg
    labels = [text.text for text in parts(svg, "text") if text.get("y") == "176"]

    assert labels[-1] == "d29"
    assert len(labels) <= 5


def test_a_sparkline_survives_what_it_is_given():
    assert "polyline" in charts.sparkline([1, 5, 2], label="a & b")
    assert "a &amp; b" in charts.sparkline([], label="a & b")
    assert charts.sparkline([None, 3], label="x").count("circle") == 2
    assert "polyline" in charts.sparkline([0, 0], label="flat")


def test_a_share_bar_is_as_long_as_its_parts():
    widths = [float(part.get("width")) for part in parts(charts.share_bar([("a", 3), ("b", 1)], label="s"), "rect")]

    assert widths == [225, 75]
    assert "NaN" not in charts.share_bar([("a", 0)], label="s")
