"""The room's own screens in a real browser."""

import pytest
from django.db import connections
from django.utils import timezone

from billingadmin.tests.browsing import WINDOWS, look
from health.probing import probe
from systems.imagegen.demo import build
from systems.imagegen.story import history
from systems.imagegen.system import SYSTEM

PAGES = ["pre-deploy", "post-deploy", "runbook"]


@pytest.fixture
def measured(transactional_db, monkeypatch):
    """A short story, measured."""
    monkeypatch.setattr(history, "JOBS", 300)
    now = timezone.now()
    with connections["imagegen_writer"].cursor() as cursor:
        build(cursor, now, 1)
    probe(SYSTEM, now=now)


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_the_screens_are_accessible_fit_and_keep_the_policy(opened, measured, support_client, theme, width):
    page = opened(support_client, color_scheme=theme, viewport={"width": width, "height": 900})

    for name in PAGES:
        assert look(page, f"/systems/imagegen/{name}/") == [], name
