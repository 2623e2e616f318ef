from datetime import timedelta

import pytest
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.demo import CAST
from adjustments import workflow
from adjustments.models import Adjustment, Decision
from adjustments.standing import TooLate
from adjustments.states import State
from audit.models import Entry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_work")]

HTMX = {"HX-Request": "true"}


@pytest.fixture
def url(pending):
    return reverse("adjustments:approve", args=[pending.pk])


@pytest.fixture
def seen(pending):
    return {"revision": pending.revision, "seen": pending.content_hash, "word": CAST["approver"].password}


def tasks():
    return ProcrastinateJob.objects.filter(task_name="adjustments.apply")


def test_it_is_approved_and_handed_to_the_worker(pending, approve, approver, now):
    approved = approve(pending, approver)

    assert approved.state == State.APPROVED
    assert approved.apply_by == approved.approved_at + timedelta(hours=24)
    assert Decision.objects.get().person == approver
    assert tasks().get().args == {"adjustment": str(pending.pk)}
    assert tasks().get().queue_name == "apply"


def test_it_is_recorded(approved, approver):
    moved, said = Entry.objects.about("adjustment", approved.pk).newest_first()[:2]

    assert (said.action_type, moved.action_type) == ("adjustment_approval_given", "adjustment_approved")
    assert said.actor_id == moved.actor_id == approver.actor.id
    assert said.metadata["content_hash"] == approved.content_hash
    assert moved.metadata["after"]["state"] == "approved"


def test_the_proposer_cannot_approve(target, propose, approve, approver):
    with pytest.raises(workflow.OwnHand, match="You proposed this; another approver must decide"):
        approve(propose(target, approver), approver)


def test_who_edited_it_cannot_approve(pending, edit, approve, approver):
    with pytest.raises(workflow.OwnHand, match="You edited this"):
        approve(edit(pending, approver), approver)


def test_one_approves_what_one_saw(pending, edit, approve, support, approver):
    edit(pending, support, "It was another statement.")

    with pytest.raises(workflow.Changed) as refusal:
        approve(pending, approver)

    assert [(change.name, change.after) for change in refusal.value.changes] == [
        ("reason", "It was another statement.")
    ]
    assert Adjustment.objects.get().state == State.PENDING


def test_another_content_under_the_same_revision_is_not_what_one_saw(pending, approver, now):
    with pytest.raises(workflow.Changed):
        workflow.approve(adjustment=pending, approver=approver, revision=1, seen="0" * 64, now=now)


def test_the_second_approver_is_told_who_was_first(approved, approve, approver, second_approver):
    with pytest.raises(TooLate, match=f"^Not recorded: you came too late. Approved by {approver.name}"):
        approve(approved, second_approver)


def test_approving_again_is_calm(approved, approve, approver):
    assert approve(approved, approver).state == State.APPROVED
    assert Decision.objects.count() == tasks().count() == 1


def test_it_is_too_late_after_the_deadline(pending, approve, approver):
    with pytest.raises(TooLate):
        approve(pending, approver, at=pending.approve_by)


def test_where_two_must_approve_one_is_not_enough(
    target, propose, approve, support, approver, second_approver, change_policy
):
    change_policy(approvals=2)
    pending = propose(target, support)

    assert approve(pending, approver).state == State.PENDING
    assert not tasks().exists()
    assert approve(pending, second_approver).state == State.APPROVED
    assert tasks().count() == 1


def test_an_edit_makes_the_first_of_two_approvals_void(
    target, propose, approve, edit, support, approver, second_approver, change_policy
):
    change_policy(approvals=2)
    pending = propose(target, support)
    approve(pending, approver)
    edited = edit(pending, support)

    assert approve(edited, second_approver).state == State.PENDING


def test_what_was_approved_under_another_policy_begins_anew(pending, approve, approver, change_policy):
    change_policy(reason_length=2)

    with pytest.raises(workflow.Changed):
        approve(pending, approver)
    pending.refresh_from_db()
    assert approve(pending, approver).state == State.APPROVED


# In the browser ------------------------------------------------------------------------------------------------------


def test_the_last_look_shows_the_total_and_for_whom(approver_client, pending, seen):
    page = approver_client.get(reverse("adjustments:decide", args=[pending.pk]))

    assert "Approve +500 JPY" in page.text
    assert "order 7" in page.text
    assert seen["seen"] in page.text


def test_the_last_look_is_refused_to_the_proposer(approver_client, target, propose, approver):
    own = propose(target, approver)

    page = approver_client.get(reverse("adjustments:decide", args=[own.pk]), follow=True)

    assert "You proposed this; another approver must decide." in page.text


def test_the_page_answer(approver_client, url, seen, pending):
    answer = approver_client.post(url, seen)

    assert answer.url == pending.get_absolute_url()
    assert Adjustment.objects.get().state == State.APPROVED


def test_the_fragment_answer(approver_client, url, seen):
    answer = approver_client.post(url, seen, headers=HTMX)

    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div class="stack region" id="request"')
    assert "adjustments-changed" in answer.headers["HX-Trigger"]


def test_a_double_click_is_calm(approver_client, url, seen):
    answers = [approver_client.post(url, seen).status_code for _ in range(2)]

    assert answers == [302, 302]
    assert Decision.objects.count() == 1


def test_the_loser_reads_who_was_first(second_approver_client, url, seen, approved, approver):
    answer = second_approver_client.post(url, seen)

    assert answer.status_code == 409
    assert f"Approved by {approver.name}" in answer.text


def test_what_changed_is_shown_to_whoever_approves_the_old(approver_client, url, seen, pending, edit, support):
    edit(pending, support, "It was another statement.")

    answer = approver_client.post(url, seen)

    assert answer.status_code == 409
    assert "It has changed" in answer.text
    assert "It was another statement." in answer.text
    assert Adjustment.objects.get().state == State.PENDING


def test_an_attempt_at_ones_own_is_refused_and_recorded(approver_client, target, propose, approver):
    own = propose(target, approver)
    seen = {"revision": 1, "seen": own.content_hash}

    answer = approver_client.post(reverse("adjustments:approve", args=[own.pk]), seen)

    entry = Entry.objects.about("adjustment", own.pk).newest_first().first()
    assert answer.status_code == 409
    assert "You proposed this; another approver must decide." in answer.text
    assert (entry.outcome, entry.actor_id) == ("refused", approver.actor.id)
    assert Adjustment.objects.get().state == State.PENDING


@pytest.mark.parametrize("bad", [{"seen": "x"}, {"revision": "x"}, {"revision": ""}, {"revision": -1}])
def test_a_bent_form_approves_nothing(approver_client, url, seen, bad):
    answer = approver_client.post(url, seen | bad)

    assert answer.status_code == 422
    assert Adjustment.objects.get().state == State.PENDING


def test_it_refuses_get(approver_client, url):
    assert approver_client.get(url).status_code == 405


def test_only_approvers_approve(support_client, manager_client, auditor_client, admin_client, url, seen):
    for client in (support_client, manager_client, auditor_client, admin_client):
        assert client.post(url, seen).status_code == 403
    assert Adjustment.objects.get().state == State.PENDING


def test_the_verb_refuses_them_too(pending, approve, support, manager):
    for person in (support, manager):
        with pytest.raises(workflow.NotAllowed):
            approve(pending, person)


def test_a_role_that_goes_in_this_very_moment_is_gone(pending, approve, manager):
    """The verb still believes in the role; the database looks again, under lock."""
    manager.__dict__["capabilities"] = frozenset({"decide"})

    with pytest.raises(workflow.NotAllowed, match="no longer an approver"):
        approve(pending, manager)

    assert Adjustment.objects.get().state == State.PENDING
