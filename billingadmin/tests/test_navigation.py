import re
from datetime import timedelta

import pytest
from django.utils import timezone

from health.models import Reading
from systems import registry
from systems.base import Level

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_counts(settings):
    settings.NAVIGATION_COUNTS = {}


def asked(client, page="/anomalies/"):
    """The navigation, asked for again by a page."""
    return client.get("/navigation/", headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}?q=1"})


def places(text):
    return re.findall(r'<li><a href="([^"]+)"', text)


def here(text):
    return re.findall(r'<a href="([^"]+)"[^>]*aria-current="page"', text)


def test_it_holds_what_the_reader_may_see(manager_client):
    found = places(asked(manager_client).text)

    assert {"/", "/anomalies/", "/adjustments/", "/health/", "/audit/", "/jobs/"} < set(found)
    assert "/people/" not in found


def test_an_admin_sees_policy_and_people_and_not_the_trade(admin_client):
    assert places(asked(admin_client).text) == ["/policy/", "/people/"]


@pytest.mark.parametrize(
    ("page", "place"),
    [
        ("/", "/"),
        ("/anomalies/7/", "/anomalies/"),
        ("/health/", "/health/"),
        ("/accounts/settings/", None),
    ],
)
def test_it_says_where_one_is(manager_client, page, place):
    assert here(asked(manager_client, page).text) == ([place] if place else [])


def test_the_nearest_place_is_where_one_is(manager_client):
    system = registry.all_systems()[0]

    assert here(asked(manager_client, f"/health/{system.slug}/").text) == [f"/health/{system.slug}/"]


def test_every_page_holds_it(manager_client):
    text = manager_client.get("/jobs/").text

    assert "/jobs/" in here(text)
    assert "/anomalies/" in places(text)


def many():
    return Reading.objects.all()


def none():
    return Reading.objects.none()


def test_what_waits_is_counted_up_to_a_cap_and_nothing_is_no_number(manager_client, settings):
    now = timezone.now()
    seen = {"system": "other", "probe": "x", "level": Level.OK, "value": 1, "why": "So."}
    Reading.objects.bulk_create(Reading(**seen, measured_at=now - timedelta(n)) for n in range(1001))
    settings.NAVIGATION_COUNTS = {"/anomalies/": f"{__name__}.many", "/adjustments/": f"{__name__}.none"}

    assert re.findall(r'<span class="count">([^<]+)</span>', asked(manager_client).text) == ["1,000+"]


def test_counts_are_asked_for_by_whole_pages_only(rf, settings):
    from billingadmin.navigation import console

    settings.NAVIGATION_COUNTS = {"/anomalies/": "nowhere.at_all"}

    assert "navigation" in console(rf.get("/"))


@pytest.fixture
def watched():
    """The first probe of the first system, which saw something critical just now."""
    for system in registry.all_systems():
        for probe in system.probes:
            return Reading.objects.create(
                system=system.slug,
                probe=probe.code,
                level=Level.CRITICAL,
                value=1,
                unit=probe.unit,
                why="It stands still.",
                measured_at=timezone.now() - timedelta(seconds=5),
            )
    pytest.skip("no system has a probe")


def test_each_system_shows_how_it_is(manager_client, watched):
    text = asked(manager_client).text

    link = re.search(rf'<a href="/health/{watched.system}/".*?</a>', text, re.DOTALL)[0]
    assert 'data-level="critical"' in link
    assert ">critical<" in link


def test_it_takes_one_question_for_all_levels(manager_client, watched, django_assert_max_num_queries):
    asked(manager_client)

    with django_assert_max_num_queries(5):
        asked(manager_client)


def test_who_is_not_signed_in_is_sent_to_the_door(client):
    answer = asked(client)

    assert "/accounts/login/" in answer["HX-Redirect"]


def test_it_refuses_to_be_posted_to(manager_client):
    assert manager_client.post("/navigation/").status_code == 405
