"""The demo builds itself once, goes on where it stopped, and lives."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Person
from anomalies.models import Anomaly, DetectionRun
from billingadmin import demo
from billingadmin.postgres import embedded
from health.models import Reading
from systems import registry
from systems.tests.paperclips.models import Order
from systems.tests.paperclips.system import SYSTEM

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def one_shop(monkeypatch, tmp_path, settings):
    """The paperclip shop is the only system, and notes of the demo are the test's own."""
    monkeypatch.setattr(registry, "all_systems", lambda: (SYSTEM,))
    monkeypatch.setenv("BILLINGADMIN_DATA", str(tmp_path))
    settings.DEMO = True


def build(now=NOW):
    said = []
    demo.build(now, say=said.append, progress=lambda *_: None)
    return said


def test_it_fills_the_source_and_does_what_the_console_would_have_done():
    said = build()

    assert Order.objects.count() == 60
    assert DetectionRun.objects.get().whole
    assert Anomaly.objects.exists()
    assert Reading.objects.filter(probe="shipped").count() == 1
    assert Person.objects.count() == 7
    assert any("The source of Paperclip shop" in line for line in said)
    assert "demo-compass-27" in embedded.sign_ins()


def test_a_second_build_changes_nothing():
    build()
    orders, runs, readings = Order.objects.count(), DetectionRun.objects.count(), Reading.objects.count()

    build()

    assert (Order.objects.count(), DetectionRun.objects.count(), Reading.objects.count()) == (orders, runs, readings)


def test_a_build_that_was_interrupted_goes_on_where_it_stopped(monkeypatch):
    with monkeypatch.context() as interrupted:
        interrupted.setattr(demo, "take_readings", _is_interrupted)
        with pytest.raises(KeyboardInterrupt):
            build()
    assert not embedded.sign_ins()

    build()

    assert DetectionRun.objects.count() == 1
    assert Reading.objects.exists()
    assert embedded.sign_ins()


def _is_interrupted(*_arguments):
    raise KeyboardInterrupt


def test_a_little_life_goes_on_in_every_source():
    build()

    assert demo.live(NOW) == "Life went on in 1 source."
    assert Order.objects.count() == 61


def test_a_real_console_has_no_demo_and_no_such_job(settings):
    settings.DEMO = False

    assert demo.jobs() == ()
    with pytest.raises(CommandError, match="This console is not the demo's"):
        call_command("build_demo", stdout=StringIO())


def test_the_command_says_what_it_built():
    said = StringIO()
    call_command("build_demo", stdout=said, stderr=StringIO())

    assert "Detection over all history of Paperclip shop" in said.getvalue()
