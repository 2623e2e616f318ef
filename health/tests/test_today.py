"""The first page: how every system stands, from stored rows."""

from datetime import timedelta

import pytest
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from health.factories import ReadingFactory
from health.tests.conftest import probe

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def read(manager_client, settings):
    settings.BOARD_CONTRIBUTORS = ()  # readings alone: what the other engines add has tests of its own

    def get(**headers):
        return manager_client.get(reverse("today"), headers=headers)

    return get


@pytest.fixture
def watched(shop):
    return shop(probe("till"), probe("shelf"))


def measured(code, minutes=1, **more):
    ReadingFactory(probe=code, measured_at=timezone.now() - timedelta(minutes=minutes), **more)


def badge(response):
    """The level on the only card."""
    return response.content.decode().split('id="name-', 1)[1].split('data-level="', 1)[1].split('"', 1)[0]


def test_all_is_well_when_every_reading_is_ok(read, watched):
    measured("till")
    measured("shelf")

    response = read()

    assert badge(response) == "ok"
    assert "All 2 readings are ok." in response.content.decode()
    assert "2 of 2 readings are ok." in response.content.decode()


def test_the_worst_reading_gives_the_level_and_the_sentence(read, watched):
    measured("till", level="warning", why="The till is nearly empty.")
    measured("shelf", level="critical", why="The shelf fell down.")

    response = read()

    assert badge(response) == "critical"
    assert "<p>The shelf: The shelf fell down.</p>" in response.content.decode()
    assert "The till is nearly empty." in response.content.decode()


def test_only_the_latest_reading_counts(read, watched):
    measured("till", minutes=6, level="critical")
    measured("till")
    measured("shelf")

    assert badge(read()) == "ok"


def test_what_was_never_measured_is_unknown_and_not_ok(read, watched):
    measured("till")

    response = read()

    assert badge(response) == "unknown"
    assert "It has not been measured yet." in response.content.decode()


def test_a_reading_older_than_two_periods_is_stale_and_not_ok(read, watched):
    measured("till", minutes=11)
    measured("shelf")

    response = read()

    assert badge(response) == "unknown"
    assert "stale" in response.content.decode()


def test_a_stale_reading_that_was_bad_stays_bad(read, watched):
    measured("till", minutes=11, level="critical")
    measured("shelf")

    assert badge(read()) == "critical"


def test_unknown_does_not_hide_a_warning(read, watched):
    measured("till", unknown=True)
    measured("shelf", level="warning")

    assert badge(read()) == "warning"


def test_a_system_that_is_not_connected_is_shown_as_such(read, watched, monkeypatch):
    measured("till")
    monkeypatch.delitem(connections.settings, "paperclips")

    text = read().content.decode()

    assert "not connected" in text
    assert "PAPERCLIPS_DATABASE_URL" in text
    assert 'data-level="ok"' not in text


def test_a_system_without_probes_is_unknown(read, shop):
    shop(probes := probe("till"))
    system = shop(probes)
    object.__setattr__(system, "probes", ())

    assert badge(read()) == "unknown"


# What other engines add ----------------------------------------------------------------------------------------------


def figures(now):
    return {
        "paperclips": [
            {"label": "Open anomalies", "value": "12", "note": "2 critical", "url": "/anomalies/?system=paperclips"},
            {"label": "Newest detection", "at": now - timedelta(hours=2)},
        ]
    }


def alarm(now):
    return {"paperclips": [{"label": "Detection", "value": "none", "note": "silent for a day", "level": "critical"}]}


def breaks(now):
    raise RuntimeError("no figures today")


def breaks_a_statement(now):
    with connections["default"].cursor() as cursor:
        cursor.execute("select 1/0")


def test_figures_of_other_engines_stand_on_the_card(read, watched, settings):
    settings.BOARD_CONTRIBUTORS = (f"{__name__}.figures",)

    text = read().content.decode()

    assert '<a href="/anomalies/?system=paperclips">12</a>' in text
    assert "2 critical" in text
    assert "2 h ago" in text


def test_a_figure_with_a_level_takes_part_in_the_worst(read, watched, settings):
    settings.BOARD_CONTRIBUTORS = (f"{__name__}.alarm",)
    measured("till")
    measured("shelf")

    response = read()

    assert badge(response) == "critical"
    assert "<p>Detection: silent for a day</p>" in response.content.decode()


@pytest.mark.parametrize("contributor", ["breaks", "breaks_a_statement", "is_not_there"])
def test_an_engine_that_fails_is_named_and_the_rest_of_the_page_stays(read, watched, settings, contributor):
    settings.BOARD_CONTRIBUTORS = (f"{__name__}.{contributor}", f"{__name__}.figures")
    measured("till")

    text = read().content.decode()

    assert f"{__name__}.{contributor}" in text
    assert "Open anomalies" in text
    assert "The till" in text or "The shelf" in text


# The page itself -----------------------------------------------------------------------------------------------------


def test_the_page_asks_no_source(read, watched, monkeypatch):
    monkeypatch.setattr("systems.reading.Questions.run", lambda *_: pytest.fail("a source was asked"))

    assert read().status_code == 200


def test_the_number_of_queries_does_not_grow_with_probes_and_readings(read, shop, django_assert_max_num_queries):
    def queries(probes, readings):
        shop(*(probe(f"drawer{number}") for number in range(probes)))
        for number in range(probes):
            for minutes in range(readings):
                measured(f"drawer{number}", minutes=minutes)
        with django_assert_max_num_queries(24) as asked:
            read()
        return len(asked)

    assert queries(1, 1) == queries(30, 3)


def test_the_fragment_is_the_cards_alone(read, watched):
    text = read(**HTMX).content.decode()

    assert "<html" not in text
    assert 'id="today"' in text


def test_it_refuses_post_and_asks_strangers_to_sign_in(manager_client, client, watched):
    assert manager_client.post(reverse("today")).status_code == 405
    assert "login" in client.get(reverse("today")).url


def test_who_looks_after_people_alone_is_sent_there(admin_client, watched):
    assert admin_client.get(reverse("today")).url == "/people/"


def test_the_pulse_needs_no_sign_in(client):
    assert (client.get("/healthz").content, client.get("/readyz").content) == (b"ok\n", b"ready\n")


def test_without_its_tables_the_console_is_not_ready(client, monkeypatch):
    monkeypatch.setattr("health.models.Reading._meta.db_table", "health_unmade")

    response = client.get("/readyz")

    assert (response.status_code, response.content) == (503, b"unready\n")


def test_the_list_of_systems_counts_their_readings_by_level(manager_client, watched):
    measured("till", level="critical")

    response = manager_client.get(reverse("health:systems"))

    (board,) = response.context["boards"]
    assert (board.critical_count, board.unknown_count, board.ok_count) == (1, 1, 0)
    assert "<html" not in manager_client.get(reverse("health:systems"), headers=HTMX).content.decode()
