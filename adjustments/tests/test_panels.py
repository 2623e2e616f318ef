"""What adjustments add to the screens of others: the anomaly's page, timelines, boards, the navigation."""

from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.urls import reverse

from accounts.factories import stepped_up
from adjustments import board, panels, workflow
from anomalies.factories import AnomalyFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_work")]


def test_an_anomaly_offers_the_corrections_that_answer_it(support_client, anomaly):
    fragment = support_client.get(reverse("adjustments:for_anomaly", args=[anomaly.pk]))

    assert f"anomaly={anomaly.pk}&amp;correction=book_payment" in fragment.text
    assert "void_payment" not in fragment.text


def test_it_offers_nothing_to_readers(manager_client, anomaly, pending):
    fragment = manager_client.get(reverse("adjustments:for_anomaly", args=[anomaly.pk]))

    assert f"#{pending.number}" in fragment.text
    assert "correction=" not in fragment.text


def test_what_is_asked_for_is_not_offered_again(support_client, anomaly, pending):
    fragment = support_client.get(reverse("adjustments:for_anomaly", args=[anomaly.pk]))

    assert f"#{pending.number}" in fragment.text
    assert "correction=book_payment" not in fragment.text


def test_what_was_asked_for_is_in_the_history_of_the_anomaly(support_client, anomaly, pending):
    entries = support_client.get(f"/anomalies/{anomaly.pk}/").context["entries"]

    assert [(entry.action_type, entry.target_id) for entry in entries] == [("adjustment_proposed", str(pending.pk))]


def test_a_request_is_found_by_its_number(pending):
    (found,) = panels.searched(pending.number, "")

    assert found["url"] == pending.get_absolute_url()
    assert not list(panels.searched(None, "7"))


def test_the_panel_is_given_rendered(anomaly, support):
    request = RequestFactory().get("/")
    request.user = support

    panel = panels.anomaly_panel(request, anomaly)

    assert "correction=book_payment" in panel["html"]


def test_a_subject_shows_the_requests_about_it(pending, support):
    request = RequestFactory().get("/")
    request.user = support

    assert f"#{pending.number}" in panels.subject_panel(request, "paperclips", "order", "7")["html"]
    assert panels.subject_panel(request, "paperclips", "order", "8") is None


def test_an_anomaly_of_a_room_that_is_gone_offers_nothing(support_client):
    lost = AnomalyFactory(system="nowhere")

    assert support_client.get(reverse("adjustments:for_anomaly", args=[lost.pk])).status_code == 200


def test_the_timeline_of_a_subject_tells_what_was_asked_and_done(applied):
    events = list(panels.timeline("paperclips", "order", "7"))

    assert [event.at for event in events] == [applied.proposed_at, applied.approved_at, applied.applied_at]
    assert {event.kind for event in events} == {"adjustment"}
    assert (events[2].amount, events[2].unit) == (500, "JPY")
    assert events[0].links[0].url == applied.get_absolute_url()
    assert not list(panels.timeline("paperclips", "order", "8"))


def test_the_timeline_tells_each_revision_with_the_reason_it_had(pending, edit, approver):
    edit(pending, approver, reason="The second statement shows it.")

    proposed, edited = panels.timeline("paperclips", "order", "7")

    assert (proposed.details["reason"], edited.details["reason"]) == (
        "The bank statement shows it.",
        "The second statement shows it.",
    )
    assert edited.title.endswith(": edited")
    assert edited.details["By"] == approver.name


def test_the_timeline_tells_who_rejected_it_and_why(pending, approver, approver_client, now):
    seen = {"revision": 1, "seen": pending.content_hash}
    stepped_up(approver, pending, now)
    workflow.reject(adjustment=pending, approver=approver, reason="It was paid in cash.", now=now, **seen)

    _proposed, rejected = panels.timeline("paperclips", "order", "7")

    panel = approver_client.get(reverse("adjustments:for_anomaly", args=[pending.anomaly_id])).text
    assert f"Rejected by {approver.name}:</span> It was paid in cash." in panel
    assert rejected.title.endswith(": rejected")
    assert rejected.details == {"By": approver.name, "reason": "It was paid in cash."}


def figures(now):
    return {str(figure["label"]): figure for figure in board.figures(now).get("paperclips", [])}


def test_the_board_tells_how_many_wait_and_since_when(pending, now):
    found = figures(now)

    assert found["Waiting for approval"]["value"] == "1"
    assert found["Oldest waiting"]["at"] == pending.proposed_at


def test_what_is_approved_and_not_applied_for_long_is_a_warning(approved):
    soon, late = (approved.approved_at + timedelta(minutes=minutes) for minutes in (1, 6))

    assert figures(soon)["Approved, not applied"]["level"] == ""
    assert figures(late)["Approved, not applied"]["level"] == "warning"


def test_what_needs_attention_is_a_warning(needing_attention, now):
    assert figures(now)["Needs attention"]["level"] == "warning"


def test_the_board_asks_once(pending, now, django_assert_num_queries):
    with django_assert_num_queries(1):
        board.figures(now)


def test_the_navigation_counts_what_waits(pending):
    assert board.what_waits().get() == pending
