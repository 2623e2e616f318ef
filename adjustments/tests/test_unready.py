# ruff: noqa: F811 (fixtures are called as what they are imported as)
"""Fail closed: what cannot be recorded, or might be forgotten, is not done; whoever asked for it reads why."""

from contextlib import contextmanager

import pytest
from django.db import connections
from django.urls import reverse

from accounts.demo import CAST
from accounts.step_up import StepUp
from adjustments.elsewhere.models import CarriedOut, RemoteCall
from adjustments.models import Decision
from adjustments.standing import Unready
from adjustments.states import State
from adjustments.switches import flipping
from adjustments.switches.models import Flip, FlipState
from adjustments.tests.test_calling import back, drive, teller  # noqa: F401
from adjustments.tests.test_procedure import by_hand, record  # noqa: F401
from adjustments.tests.test_switches import file, flip, shop  # noqa: F401
from audit.models import Entry

pytestmark = pytest.mark.django_db

WAYS = {"unrecordable": "anchors of the audit log cannot be read", "forgetful": "may forget what it has acknowledged"}


@pytest.fixture(params=WAYS)
def unready(request, settings, tmp_path):
    """Answers why. Set by calling it, so that what comes before can be done."""

    def unready():
        if request.param == "forgetful":
            settings.DURABLE_COMMITS_ONLY = True  # the tests' own database is in haste
        else:
            settings.AUDIT_ANCHOR_FILE = str(tmp_path)  # a folder where the file should be
        return WAYS[request.param]

    return unready


@contextmanager
def broken_log():
    """A trigger on the log that fails, as after an update that went wrong."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "create function public.broken() returns trigger language plpgsql as"
            " $$ begin raise exception 'the trigger is broken'; end $$;"
            "create trigger broken before insert on admin_audit_log for each row execute function public.broken()"
        )
        try:
            yield
        finally:
            cursor.execute("drop trigger broken on admin_audit_log; drop function public.broken()")


def test_nothing_is_sent(back, drive, teller, unready):
    why = unready()

    assert drive().state == State.APPROVED
    assert why in back.obstacle
    assert not teller.asked
    assert not RemoteCall.objects.exists()


def test_it_is_sent_when_that_is_mended(back, drive, teller, settings, tmp_path):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path)
    drive()
    settings.AUDIT_ANCHOR_FILE = ""

    assert drive(8).state == State.APPLIED


def test_nothing_done_by_hand_is_kept(by_hand, record, support, unready):
    with pytest.raises(Unready, match=unready()):
        record(support)

    assert not CarriedOut.objects.exists()


def test_no_switch_is_asked_for(flip, file, unready):
    why = unready()

    for code, value in (("sale", "on"), ("price", "120")):
        with pytest.raises(Unready, match=why):
            flip(code, value)
    assert not Flip.objects.exists()


def test_the_worker_flips_none_that_was_asked_for_before(flip, file, unready, now):
    asked = flip("price", "120", worked=False)

    told = flipping.perform(asked.pk, now, lambda: now)

    asked.refresh_from_db()
    assert (asked.state, "PRICE=120" in file.read_text()) == (FlipState.DONE, True), told

    asked = flip("price", "130", worked=False)
    assert unready() in flipping.perform(asked.pk, now, lambda: now)

    asked.refresh_from_db()
    assert asked.state == FlipState.ASKED
    assert "PRICE=120" in file.read_text()


def test_the_page_of_a_switch_says_why(unready, shop, file, support_client):
    why = unready()

    asked = {"value": "120", "reason": "The supplier asked for it."}
    page = support_client.post(reverse("switches:flip", args=["paperclips", "price"]), asked)

    assert page.status_code == 409
    assert why in page.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
@pytest.mark.usefixtures("at_work")
def test_an_approval_that_cannot_be_recorded_stores_nothing_and_says_why(pending, approver_client, headers):
    asked = {"revision": pending.revision, "seen": pending.content_hash, "word": CAST["approver"].password}
    before = Entry.objects.count()

    with broken_log():
        page = approver_client.post(reverse("adjustments:approve", args=[pending.pk]), asked, headers=headers)

    pending.refresh_from_db()
    assert page.status_code == 409
    assert "The audit log takes no entry (the trigger is broken" in page.text
    assert (pending.state, Decision.objects.count(), Entry.objects.count()) == (State.PENDING, 0, before)
    assert not StepUp.objects.exclude(used_at=None).exists()


def test_what_fails_for_another_reason_is_not_blamed_on_the_log(approver_client, pending, monkeypatch):
    from django.db import DataError

    from adjustments import workflow

    def failing(**asked):
        raise DataError("something else")

    monkeypatch.setattr(workflow, "approve", failing)
    asked = {"revision": pending.revision, "seen": pending.content_hash, "word": CAST["approver"].password}

    with pytest.raises(DataError, match="something else"):
        approver_client.post(reverse("adjustments:approve", args=[pending.pk]), asked)
