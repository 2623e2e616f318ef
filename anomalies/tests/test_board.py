"""This engine's figures and charts on the boards of health."""

from datetime import timedelta

import pytest

from anomalies import board, pictures
from anomalies.factories import AnomalyFactory, DetectionRunFactory
from anomalies.tests.conftest import NOW
from systems.tests.paperclips.system import SYSTEM

pytestmark = pytest.mark.django_db


def figures(now=NOW):
    return {str(figure["label"]): figure for figure in board.figures(now)["paperclips"]}


def test_open_anomalies_are_counted_by_severity(support):
    AnomalyFactory(severity="critical")
    AnomalyFactory(severity="major")
    AnomalyFactory(severity="major")
    AnomalyFactory(dismissed=True, by=support)
    AnomalyFactory(snoozed=True, by=support)

    figure = figures()["Open anomalies"]

    assert (figure["value"], figure["note"], figure["level"]) == ("3", "1 critical, 2 major", "critical")
    assert figure["url"] == "/anomalies/?system=paperclips"


def test_what_is_at_risk_is_an_amount_of_what_nobody_has_answered(support):
    AnomalyFactory(amount=500)
    AnomalyFactory(amount=-300, snoozed=True, by=support)
    AnomalyFactory(amount=9_000, cleared=True)
    AnomalyFactory(amount=None)

    assert figures()["Value at risk"]["value"] == "800 JPY"


def test_nothing_open_is_fine():
    assert (figures()["Open anomalies"]["value"], figures()["Open anomalies"]["level"]) == ("0", "ok")
    assert "Value at risk" not in figures()


@pytest.mark.parametrize(
    ("run", "level"),
    [
        (None, "unknown"),
        ({}, "ok"),
        ({"started_at": NOW - timedelta(hours=3)}, "warning"),
        ({"state": "failed", "error": "no column\nmore"}, "critical"),
    ],
)
def test_silence_is_not_health(run, level):
    if run is not None:
        DetectionRunFactory(**{"started_at": NOW, **run})

    figure = figures()["Newest detection"]

    assert figure["level"] == level
    assert "more" not in figure["note"]


def test_the_figures_cost_two_queries(django_assert_num_queries):
    AnomalyFactory.create_batch(5)

    with django_assert_num_queries(2):
        board.figures(NOW)


def test_the_day_of_a_chart_begins_where_the_system_does_business():
    AnomalyFactory(observed_at=NOW.replace(hour=14))  # 23:00 in Tokyo
    AnomalyFactory(observed_at=NOW.replace(hour=15))  # midnight in Tokyo
    AnomalyFactory(observed_at=NOW.replace(hour=15), verdict="expected")

    chart = pictures.per_day(SYSTEM, NOW + timedelta(days=1))

    assert [row[1] for row in chart.rows[-2:]] == ["1", "1"]
    assert chart.finding.startswith("2 in 30 days")


def test_an_amount_is_at_risk_from_its_day_until_it_is_answered_or_gone(support):
    day = timedelta(days=1)
    AnomalyFactory(amount=500, observed_at=NOW - 3 * day)
    AnomalyFactory(amount=-70, observed_at=NOW - 3 * day, settled=True, decided_at=NOW - day)
    AnomalyFactory(amount=9, observed_at=NOW - 2 * day, cleared=True, first_seen_at=NOW - 2 * day, checked_at=NOW - day)
    AnomalyFactory(amount=1_000, verdict="expected")
    AnomalyFactory(amount=1_000, observed_at=NOW + day)

    chart = pictures.at_risk(SYSTEM, NOW)

    assert [row[1] for row in chart.rows[-5:]] == ["0", "570", "579", "500", "500"]
    assert chart.finding == "500 JPY stand unanswered, 0 a month ago."


def test_without_amounts_there_is_nothing_to_draw():
    AnomalyFactory(amount=None)

    assert pictures.at_risk(SYSTEM, NOW) is None


def test_the_health_page_shows_them(support_client):
    AnomalyFactory()
    DetectionRunFactory()

    answer = support_client.get("/health/paperclips/")

    assert "Anomalies per day, by rule" in answer.text
    assert "The newest runs of detection" in answer.text
