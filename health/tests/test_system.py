"""The page of one system: every reading, why, and how it went."""

from datetime import timedelta

import pytest
from django.db import connection, connections
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from health import boards, history, pictures, probing
from health.factories import ReadingFactory
from health.tests.conftest import NOW, probe
from systems.base import Measurement

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def read(manager_client):
    def get(query="", **headers):
        return manager_client.get(reverse("health:system", args=["paperclips"]) + query, headers=headers)

    return get


def measured(code, at=None, **more):
    ReadingFactory(probe=code, measured_at=at or timezone.now(), **more)


def test_each_reading_stands_there_with_level_value_unit_reason_and_time(read, shop):
    shop(probe("till"), probe("age", unit="seconds"))
    measured("till", level="warning", value=7, why="7 orders wait.")
    measured("age", value=7500, unit="seconds", why="The last one was long ago.")

    text = read().content.decode()

    assert 'data-level="warning"' in text
    assert "7 orders wait." in text
    assert "2 h 5 min" in text
    assert "just now" in text


def test_offenders_are_a_table_with_what_is_personal_masked_before(read, shop):
    shop(probe("till"))
    rows = [{"order": 1, "customer": "H••• (6)"}, {"order": 2, "total": None}]
    measured("till", level="critical", detail={"rows": rows})

    text = read().content.decode()

    assert '<th scope="col">customer</th>' in text
    assert '<th scope="col">total</th>' in text
    assert "2 rows" in text


def test_offenders_keep_the_order_of_the_probes_columns(shop):
    rows = [{"transaction": "refund", "id": 7}, {"transaction": "refund", "id": 8, "at": NOW}]
    system = shop(probe("till", lambda source: Measurement(level="ok", value=2, why="Two.", detail={"rows": rows})))
    (reading,) = probing.probe(system, NOW)
    reading.refresh_from_db()

    columns, found = pictures.offenders(reading.detail)

    assert columns == ["transaction", "id", "at"]
    assert found[0] == ["refund", 7, None]


def test_an_axis_of_time_has_the_clocks_steps(shop):
    system = shop(probe("age", unit="seconds"))
    measured("age", at=NOW, value=1900, unit="seconds", detail={"limits": {"warning": 7200, "critical": 14400}})
    measured("age", at=NOW - timedelta(days=1), value=1900, unit="seconds")
    standing = boards.boards([system], NOW)[0].standings[0]
    points = history.history(system, days=7, now=NOW + timedelta(minutes=1))["age"]

    svg = pictures.value_chart(standing, points, 7).svg

    assert all(f">{tick}</text>" in svg for tick in ("1 h", "2 h", "3 h", "4 h"))


def test_a_distribution_is_a_bar_and_its_figures(read, shop):
    shop(probe("till"))
    measured("till", value=4, detail={"labels": {"open": 1, "shipped": 3}})

    text = read().content.decode()

    assert 'class="share"' in text
    assert "75 %" in text


@pytest.mark.parametrize(
    "detail",
    [
        {"labels": "many"},
        {"labels": {"open": "three"}},
        {"limits": [1, 2]},
        {"limits": {"warning": "ten"}},
        {"rows": "all of them"},
        {"rows": [1, None]},
        {"rows": []},
        {"rows": [{"a": 1}], "columns": 7},
        {"remedy": None, "nested": {"deep": [1, {"er": True}]}},
    ],
)
def test_an_odd_detail_breaks_nothing(read, shop, detail):
    shop(probe("till"))
    measured("till", detail=detail)

    assert read().status_code == 200


def test_a_system_that_is_not_connected_keeps_what_was_read_before(read, shop, monkeypatch):
    shop(probe("till"))
    measured("till", why="3 orders were shipped.")
    monkeypatch.delitem(connections.settings, "paperclips")

    text = read().content.decode()

    assert "Not connected" in text
    assert "3 orders were shipped." in text


def test_an_unknown_system_is_not_found(manager_client, shop):
    shop()

    assert manager_client.get(reverse("health:system", args=["rubberbands"])).status_code == 404


# Its history ---------------------------------------------------------------------------------------------------------


def test_the_history_has_the_lowest_and_highest_of_each_span_and_gaps_where_nothing_was_measured(shop):
    system = shop(probe("till"))
    for minutes, value in ((1, 5), (2, 9), (3, 2)):
        measured("till", at=NOW - timedelta(minutes=minutes), value=value)
    measured("till", at=NOW - timedelta(days=6), value=100)
    measured("till", at=NOW - timedelta(days=8), value=1000)

    points = history.history(system, days=7, now=NOW)["till"]

    known = [(point.lowest, point.highest) for point in points if point.highest is not None]
    assert len(points) == 28
    assert known == [(100, 100), (2, 9)]


def test_the_chart_draws_limits_and_takes_the_worse_end(shop):
    system = shop(probe("till"), probe("stock"))
    measured("till", at=NOW, value=2, detail={"limits": {"warning": 5, "critical": 9}})
    measured("till", at=NOW - timedelta(minutes=1), value=7)
    measured("till", at=NOW - timedelta(days=1), value=7)
    measured("stock", at=NOW, value=8, detail={"limits": {"warning_below": 4}})
    measured("stock", at=NOW - timedelta(minutes=1), value=3)
    measured("stock", at=NOW - timedelta(days=1), value=3)
    standings = boards.boards([system], NOW)[0].standings
    points = history.history(system, days=7, now=NOW + timedelta(minutes=1))

    till, stock = (pictures.value_chart(each, points[each.probe.code], 7) for each in standings)

    assert till.finding == "Always 7 orders."
    assert stock.finding == "Always 3 orders."
    assert till.svg.count('class="limit"') == 2
    assert "warning below" in stock.svg


def test_a_probe_without_history_has_no_chart(shop):
    system = shop(probe("till"))
    measured("till", at=NOW)
    standing = boards.boards([system], NOW)[0].standings[0]

    assert pictures.value_chart(standing, history.history(system, days=7, now=NOW)["till"], 7) is None


@pytest.mark.parametrize(("query", "days"), [("", 7), ("?days=30", 30), ("?days=1000000", 7), ("?days=x", 7)])
def test_the_chart_goes_back_as_far_as_asked(read, shop, query, days):
    shop(probe("till"))

    assert read(query).context["days"] == days


# What other engines add ----------------------------------------------------------------------------------------------


def panel(request, slug):
    return {"title": "Found per day", "html": format_html("<p>9 in {}</p>", slug)}


def nothing(request, slug):
    return None


def breaks(request, slug):
    with connection.cursor() as cursor:
        cursor.execute("select 1/0")


def test_panels_of_other_engines_are_shown(read, shop, settings):
    settings.HEALTH_PANELS = (f"{__name__}.panel", f"{__name__}.nothing")
    shop()

    text = read().content.decode()

    assert "<h2>Found per day</h2>" in text
    assert "<p>9 in paperclips</p>" in text


def test_a_panel_that_fails_is_named_and_the_rest_stays(read, shop, settings):
    settings.HEALTH_PANELS = (f"{__name__}.breaks", f"{__name__}.panel")
    shop(probe("till"))

    text = read().content.decode()

    assert f"{__name__}.breaks" in text
    assert "9 in paperclips" in text
    assert "The till" in text


# The page itself -----------------------------------------------------------------------------------------------------


def test_the_page_asks_no_source(read, shop, monkeypatch):
    shop()
    monkeypatch.setattr("systems.reading.Questions.run", lambda *_: pytest.fail("a source was asked"))

    assert read().status_code == 200


def test_the_number_of_queries_does_not_grow_with_probes_and_readings(read, shop, django_assert_max_num_queries):
    def queries(probes, readings):
        shop(*(probe(f"drawer{number}") for number in range(probes)))
        for number in range(probes):
            for minutes in range(readings):
                measured(f"drawer{number}", at=timezone.now() - timedelta(minutes=minutes))
        with django_assert_max_num_queries(27) as asked:
            read()
        return len(asked)

    read()  # the comparison of the guards is kept for a minute
    assert queries(1, 1) == queries(20, 3)


def test_the_fragment_is_the_board_alone(read, shop):
    shop()
    text = read(**HTMX).content.decode()

    assert "<html" not in text
    assert 'id="board"' in text


def test_it_refuses_post_and_who_does_not_read_the_trade(manager_client, admin_client, shop):
    shop()
    url = reverse("health:system", args=["paperclips"])

    assert manager_client.post(url).status_code == 405
    assert admin_client.get(url).status_code == 403
