"""The pages of the rooms' own, at the engines' desk."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import reverse

from health.desk import Desk, mounted
from health.factories import ReadingFactory
from health.tests.conftest import NOW, probe
from systems.base import Page
from systems.reading import SourceUnavailable
from systems.tests.paperclips.system import SYSTEM

pytestmark = pytest.mark.django_db


def test_a_rooms_page_is_where_it_says(manager_client):
    response = manager_client.get(reverse("rooms:paperclips-shelf"))

    assert response.content == b"Paperclip shop"
    assert reverse("rooms:paperclips-shelf") == "/systems/paperclips/shelf/"


def test_a_rooms_page_has_the_audience_it_names(admin_client, client):
    url = reverse("rooms:paperclips-shelf")

    assert admin_client.get(url).status_code == 403
    assert client.get(url).status_code == 302


def test_a_view_gets_what_its_path_captured():
    page = Page(path="<int:n>/", name="n", title="N", view=lambda request, desk, n: HttpResponse(str(n + 1)))

    assert mounted(SYSTEM, page)(RequestFactory().get("/"), n=4).content == b"5"


def test_a_source_that_is_silent_is_said_with_what_mends_it(rf, manager):
    def asks(request, desk):
        raise SourceUnavailable("paperclips", "it sleeps", "wake it up")

    request = rf.get("/")
    request.user = manager
    response = mounted(SYSTEM, Page(path="", name="x", title="The till", view=asks, audience=("triage",)))(request)

    assert response.status_code == 503
    assert "it sleeps" in response.content.decode()
    assert "wake it up" in response.content.decode()


def test_the_desk_knows_what_is_stored():
    desk = Desk(replace(SYSTEM, probes=(probe("till"), probe("shelf"))), NOW)
    for minutes in (1, 2, 90):
        ReadingFactory(probe="till", value=minutes, measured_at=NOW - timedelta(minutes=minutes))

    assert (desk.readings()["till"].value, desk.readings()["shelf"]) == (1, None)
    assert [reading.value for reading in desk.history("till", NOW - timedelta(hours=1))] == [2, 1]
