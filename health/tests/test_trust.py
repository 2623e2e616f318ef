"""Whether the record itself can be trusted, as readings: what cannot be told is unknown, never healthy."""

from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from audit import anchors, guards
from audit.factories import make_entry
from audit.models import Verification
from health import trust
from systems import registry
from systems.base import Level


class Asked:
    """What an engine's probe is handed in place of a source."""

    def __init__(self, now):
        self.now = now


@pytest.fixture
def file(tmp_path, settings):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")


def verified(at, verdict="intact", why=""):
    Verification.objects.create(
        at=at, by="job", in_database=True, milliseconds=1, verdict=verdict, finding={"why": why}
    )


def measured(after=timedelta(0)):
    return trust.audit_log(Asked(timezone.now() + after))


@pytest.mark.django_db
def test_a_log_that_was_never_verified_is_unknown():
    make_entry()

    assert (measured().level, measured().value) == (Level.UNKNOWN, None)


@pytest.mark.django_db
def test_a_log_without_a_file_for_anchors_is_a_warning():
    make_entry()
    verified(timezone.now())

    assert measured().level == Level.WARNING
    assert "AUDIT_ANCHOR_FILE" in str(measured().why)


@pytest.mark.django_db(transaction=True)
def test_a_verified_and_anchored_log_is_well_until_either_grows_old(file):
    with transaction.atomic():
        make_entry()
    anchors.write(timezone.now())
    verified(timezone.now())
    assert measured().level == Level.OK
    assert measured(timedelta(hours=4)).level == Level.UNKNOWN

    with transaction.atomic():
        make_entry()
    assert (measured().level, measured().value) == (Level.OK, 1)
    assert measured(timedelta(minutes=31)).level == Level.UNKNOWN


@pytest.mark.django_db
@pytest.mark.parametrize(("verdict", "level"), [("broken", Level.CRITICAL), ("cannot_tell", Level.UNKNOWN)])
def test_the_last_verdict_is_told(file, verdict, level):
    make_entry()
    verified(timezone.now(), verdict, why="Position 3.")

    assert measured().level == level
    assert "Position 3." in measured().why


@pytest.mark.django_db
def test_a_cut_log_is_not_well_before_it_is_verified_again(file):
    make_entry()
    verified(timezone.now())

    assert measured().level == Level.UNKNOWN  # nothing was ever anchored


@pytest.mark.django_db
def test_the_guards_as_declared_are_well_and_one_drift_is_critical(monkeypatch):
    now = Asked(timezone.now())
    assert trust.guards_standing(now).level == Level.OK

    drift = guards.Drift("trigger admin_audit_log x", "always", "off")
    monkeypatch.setattr(guards, "standing", lambda: guards.Standing((drift,), 500, False))
    measurement = trust.guards_standing(now)
    assert (measurement.level, measurement.value) == (Level.CRITICAL, 1)
    assert measurement.detail["rows"] == [{"guard": drift.guard, "declared": "always", "found": "off"}]


@pytest.mark.django_db(transaction=True)
def test_a_trigger_switched_off_is_seen_at_the_next_reading():
    with connections["owner"].cursor() as cursor:
        cursor.execute("alter table admin_audit_log disable trigger admin_audit_log_no_change")
        try:
            assert trust.guards_standing(Asked(timezone.now())).level == Level.CRITICAL
        finally:
            cursor.execute("alter table admin_audit_log enable always trigger admin_audit_log_no_change")


def test_guards_of_a_site_that_owns_its_tables_are_weaker(monkeypatch):
    monkeypatch.setattr(guards, "standing", lambda: guards.Standing((), 500, True))

    assert trust.guards_standing(Asked(timezone.now())).level == Level.WARNING


@pytest.mark.django_db
def test_both_stand_on_the_page_of_every_system(auditor_client, file):
    make_entry()
    for system in registry.all_systems():
        page = auditor_client.get(f"/health/{system.slug}/").text
        assert "Audit log and guards" in page
        assert "as declared" in page
