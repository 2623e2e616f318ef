"""Health shows the way from approval to the ledger, and never calls well what it does not know."""

from datetime import timedelta

import pytest
from django.db import connections

from adjustments import probes, recovery
from adjustments.reconciliation import passing
from jobs import letters
from jobs.models import Letter
from systems import registry
from systems.base import Level

pytestmark = pytest.mark.django_db


@pytest.fixture
def measured(now):
    def measured(code, minutes=10):
        (one,) = [one for one in probes.probes(registry.get("paperclips")) if one.code == f"adjustments_{code}"]
        return one.measure(probes.Clock(now + timedelta(minutes=minutes)))

    return measured


@pytest.mark.parametrize(("minutes", "level"), [(6, Level.OK), (11, Level.WARNING), (66, Level.CRITICAL)])
def test_what_is_approved_and_not_applied_grows_worse(approved, measured, minutes, level):
    seen = measured("unapplied", minutes)

    assert (seen.level, seen.value) == (level, 1)
    assert "2026-11-02 12:05 UTC" in seen.why


def test_what_is_applied_is_well(applied, measured):
    assert measured("unapplied").level == Level.OK


def test_attention_is_called_for(needing_attention, measured):
    assert measured("attention").level == Level.WARNING


def test_errors_nobody_knows_are_seen(approved, measured, now):
    recovery.failed(approved.pk, RuntimeError(), now=now)

    assert (measured("retried").level, measured("retried").value) == (Level.WARNING, 1)


def test_without_a_worker_it_is_a_warning_and_critical_when_something_waits(pending, approve, approver, measured):
    assert measured("worker").level == Level.WARNING

    approve(pending, approver)
    assert measured("worker").level == Level.CRITICAL


def test_reconciliation_is_unknown_until_asked_then_well_then_stale(applied, measured, now):
    assert measured("reconciled").level == Level.UNKNOWN

    passing.reconcile(registry.get("paperclips"), now=now + timedelta(minutes=8))
    assert measured("reconciled").level == Level.OK
    assert measured("reconciled", minutes=300).level == Level.UNKNOWN


def test_what_does_not_agree_is_critical(applied, measured, now):
    with connections["paperclips_writer"].cursor() as cursor:
        cursor.execute("delete from payments")
    passing.reconcile(registry.get("paperclips"), now=now + timedelta(minutes=8))

    assert measured("reconciled").level == Level.CRITICAL


def test_a_reconciliation_that_could_not_ask_is_unknown(approved, measured, now):
    passing.reconcile(registry.get("paperclips"), now=now + timedelta(minutes=8))

    assert measured("reconciled").level == Level.UNKNOWN


def test_letters_without_a_mail_server_are_unknown(approved, measured, settings):
    assert measured("letters").level == Level.OK

    settings.EMAIL_BACKEND = letters.NO_SERVER
    assert (measured("letters").level, measured("letters").value) == (Level.UNKNOWN, None)


def test_letters_that_wait_or_failed_are_a_warning(approved, measured):
    assert measured("letters", minutes=90).level == Level.WARNING

    Letter.objects.filter(pk=Letter.objects.first().pk).update(state="failed", error="550")
    assert "1 letter could not be sent" in measured("letters").why
