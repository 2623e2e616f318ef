from datetime import timedelta

import pytest
from django.urls import reverse

from adjustments import drafting, workflow
from adjustments.models import Adjustment
from adjustments.standing import TooLate
from adjustments.states import State
from audit.models import Entry
from systems.tests.paperclips.models import Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_work")]


@pytest.fixture
def url(pending):
    return reverse("adjustments:edit", args=[pending.pk])


@pytest.fixture
def sent(pending, now):
    seen = drafting.draft(drafting.for_edit(pending), now=now).seen
    return {"reason": "The second statement shows it.", "seen": seen, "revision": 1}


def test_it_makes_the_next_revision(pending, edit, second_approver):
    edited = edit(pending, second_approver, "The second statement shows it.")

    assert (edited.state, edited.revision) == (State.PENDING, 2)
    assert edited.reason == "The second statement shows it."
    assert edited.content_hash != pending.content_hash
    assert edited.current_lines().get().key != pending.lines.get(revision=1).key


def test_it_takes_the_lines_from_the_source_as_it_is(pending, edit, support):
    Order.objects.using("paperclips_writer").update(total=400)

    edited = edit(pending, support)

    assert edited.amount == 400
    assert edited.current_lines().get().evidence["total"] == 400


def test_the_time_to_approve_begins_anew(pending, edit, support, now):
    edited = edit(pending, support, at=now + timedelta(hours=5))

    assert edited.approve_by == pending.approve_by + timedelta(hours=5)


def test_it_is_recorded(pending, edit, approver):
    edit(pending, approver, "The second statement shows it.")

    entry = Entry.objects.about("adjustment", pending.pk).newest_first().first()
    assert entry.action_type == "adjustment_edited"
    assert entry.actor_id == approver.actor.id
    assert (entry.metadata["before"]["revision"], entry.metadata["after"]["revision"]) == (1, 2)


def test_whoever_edits_an_older_revision_is_told_what_changed(pending, edit, support, approver):
    edit(pending, approver, "The second statement shows it.")

    with pytest.raises(workflow.Changed, match=approver.name) as refusal:
        edit(pending, support, "The third statement shows it.")

    assert [change.name for change in refusal.value.changes] == ["reason"]


def test_what_is_decided_is_not_edited(approved, edit, support, approver):
    with pytest.raises(TooLate, match=approver.name):
        edit(approved, support)


def test_in_the_browser(support_client, url, sent, pending):
    page = support_client.get(url)
    answer = support_client.post(url, sent)

    assert "The bank statement shows it." in page.text
    assert answer.url == pending.get_absolute_url()
    assert Adjustment.objects.get().revision == 2


def test_an_edit_of_an_older_revision_comes_back(support_client, url, sent, pending, edit, approver):
    edit(pending, approver)

    answer = support_client.post(url, sent)

    assert answer.status_code == 409
    assert "changed this since" in answer.text
    assert Adjustment.objects.get().revision == 2


def test_without_a_reason_the_form_comes_back(support_client, url, sent):
    answer = support_client.post(url, sent | {"reason": ""})

    assert answer.status_code == 422
    assert "Say why" in answer.text


def test_what_is_decided_cannot_be_opened_for_an_edit(support_client, url, approved, approver):
    answer = support_client.get(url)

    assert answer.status_code == 409
    assert f"Approved by {approver.name}" in answer.text


def test_readers_do_not_edit(manager_client, auditor_client, url, sent):
    for client in (manager_client, auditor_client):
        assert client.post(url, sent).status_code == 403
    assert Adjustment.objects.get().revision == 1


def test_what_the_console_no_longer_offers_is_not_edited(url, support_client, settings):
    settings.BILLING_SYSTEMS = []

    answer = support_client.get(url)

    assert answer.status_code == 409
    assert "no longer part of the console" in answer.text
