"""What is done elsewhere: one approves, another carries it out, and both names stand behind it."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.factories import stepped_up
from adjustments import applying, attention, drafting
from adjustments.elsewhere import procedure
from adjustments.elsewhere.models import CarriedOut
from adjustments.states import Outcome, State, Verdict
from audit.models import Entry
from systems import registry

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_hand(order, propose, approve, support, approver):
    target = drafting.for_subject(registry.get("paperclips"), "order", str(order.id), "hand_back")
    return approve(propose(target, support), approver)


@pytest.fixture
def record(by_hand, now):
    def record(person, reference="Slip 4471", done=8, at=9):
        moments = {"done_at": now + timedelta(minutes=done), "now": now + timedelta(minutes=at)}
        return procedure.record(adjustment=by_hand, person=person, reference=reference, **moments)

    return record


def driven(adjustment, now, minutes=10):
    applying.drive(adjustment.pk, now=now + timedelta(minutes=minutes))
    adjustment.refresh_from_db()
    return adjustment


def test_approved_it_waits_for_a_person(by_hand, now):
    assert driven(by_hand, now).state == State.APPROVED


def test_it_is_applied_when_somebody_recorded_the_evidence(by_hand, record, support, now):
    record(support)

    assert driven(by_hand, now).state == State.APPLIED
    receipt = by_hand.current_lines().get().receipt
    assert receipt["reference"] == "Slip 4471"
    assert receipt["carried_out_by"] == support.name


def test_whoever_approved_it_does_not_carry_it_out(by_hand, record, approver):
    with pytest.raises(procedure.NotForYou, match="You approved this"):
        record(approver)


def test_whoever_may_not_triage_does_not_either(record, manager):
    with pytest.raises(procedure.NotForYou):
        record(manager)


@pytest.mark.parametrize("done", [2, 30])
def test_not_before_it_was_approved_and_not_in_the_future(record, support, done):
    with pytest.raises(procedure.NoEvidence, match="after it was approved"):
        record(support, done=done)


def test_not_without_a_reference(record, support):
    with pytest.raises(procedure.NoEvidence):
        record(support, reference=" ")


def test_it_is_recorded_once(record, support, second_approver):
    record(support)
    record(second_approver)

    assert CarriedOut.objects.get().person == support


def test_it_is_in_the_audit_log_under_both_names(by_hand, record, support, approver, now):
    record(support)
    driven(by_hand, now)

    actors = set(Entry.objects.about("adjustment", by_hand.pk).values_list("actor", flat=True))
    assert {support.actor.name, approver.actor.name} <= actors


def test_its_time_passed_people_are_asked_and_may_still_record_it(by_hand, record, support, now):
    overdue = round((by_hand.apply_by - now) / timedelta(minutes=1))

    assert driven(by_hand, now, overdue).state == State.NEEDS_ATTENTION
    record(support, at=overdue + 1)
    assert driven(by_hand, now, overdue + 2).state == State.APPLIED


def test_two_people_cancel_it(by_hand, support, second_approver, now):
    for person in (support, second_approver):
        at = now + timedelta(minutes=7)
        stepped_up(person, by_hand, at)
        attention.ask(adjustment=by_hand, person=person, verdict=Verdict.CANCEL, reason="Not collected.", now=at)

    assert driven(by_hand, now).state == State.CANCELLED
    assert by_hand.current_lines().get().outcome == Outcome.VOID


def kept(by_hand, person, now, **more):
    at = now + timedelta(minutes=9)
    told = {"line": by_hand.current_lines().get(), "person": person, "reference": "x", "done_at": at}
    return CarriedOut(**{**told, "recorded_at": at, **more})


def test_no_path_lets_the_approver_carry_it_out(by_hand, approver, now):
    with pytest.raises(IntegrityError, match="Whoever approved it"), transaction.atomic():
        kept(by_hand, approver, now).save()


def test_no_path_lets_somebody_without_a_role_carry_it_out(by_hand, manager, now):
    with pytest.raises(IntegrityError, match="Whoever approved it"), transaction.atomic():
        kept(by_hand, manager, now).save()


def test_no_path_dates_it_before_the_approval(by_hand, support, now):
    with pytest.raises(IntegrityError, match="after it was approved"), transaction.atomic():
        kept(by_hand, support, now, done_at=now).save()


# The page ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def later(now):
    with time_machine.travel(now + timedelta(minutes=20), tick=False):
        yield


def test_the_page_tells_what_to_do_and_asks_for_the_slip(by_hand, support_client, approver_client, later):
    text = support_client.get(by_hand.get_absolute_url()).content.decode()
    assert "Count the money out of the till." in text
    assert "The number of the signed slip" in text

    refused = approver_client.get(by_hand.get_absolute_url()).content.decode()
    assert "You approved this; another person carries it out" in refused
    assert "I have carried it out" not in refused


def test_the_form_records_it(by_hand, support_client, later, now):
    url = reverse("adjustments:carried_out", args=[by_hand.pk])

    assert support_client.get(url).status_code == 405
    assert support_client.post(url, {"reference": "", "done_at": ""}).status_code == 422
    assert support_client.post(url, {"reference": "Slip 1", "done_at": "2026-11-02T11:00"}).status_code == 409
    assert support_client.post(url, {"reference": "Slip 1", "done_at": "2026-11-02T12:15"}).status_code == 302

    driven(by_hand, now, 21)
    assert "carried it out: Slip 1" in support_client.get(by_hand.get_absolute_url()).content.decode()


def test_who_may_not_is_refused_at_the_door(by_hand, manager_client, later):
    assert manager_client.post(reverse("adjustments:carried_out", args=[by_hand.pk])).status_code == 403
