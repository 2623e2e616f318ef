"""Who decides is asked again who they are: the proof serves one decision on one content, by one person, for minutes."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.urls import reverse

from accounts.demo import CAST
from accounts.factories import stepped_up
from accounts.step_up import StepUp
from adjustments import attention, workflow
from adjustments.models import Adjustment, Decision
from adjustments.standing import Unproven
from adjustments.states import State, Verdict
from audit.models import Entry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_work")]

WORD = CAST["approver"].password


@pytest.fixture
def url(pending):
    return reverse("adjustments:approve", args=[pending.pk])


@pytest.fixture
def sent(pending):
    return {"revision": pending.revision, "seen": pending.content_hash, "word": WORD}


@pytest.fixture
def decide(now):
    """The verb alone, as somebody would call it who was not proven."""

    def decide(adjustment, approver, at=now + timedelta(minutes=5)):
        seen = {"revision": adjustment.revision, "seen": adjustment.content_hash}
        return workflow.approve(adjustment=adjustment, approver=approver, now=at, **seen)

    return decide


# The database --------------------------------------------------------------------------------------------------------


def test_nobody_decides_unproven(pending, decide, approver):
    with pytest.raises(Unproven):
        decide(pending, approver)
    assert not Decision.objects.exists()


def test_the_proof_is_used_up_by_the_decision_and_says_by_which(pending, approve, approver, now):
    approve(pending, approver)

    used = StepUp.objects.get()
    assert used.used_for == f"decision:{Decision.objects.get().pk}"
    assert used.used_at == now + timedelta(minutes=5)


def test_a_proof_serves_one_decision(needing_attention, approver, now):
    stepped_up(approver, needing_attention, now)
    said = {"adjustment": needing_attention, "person": approver, "reason": "The bank called."}
    attention.ask(verdict=Verdict.RETRY, now=now, **said)

    with pytest.raises(Unproven):
        attention.ask(verdict=Verdict.CANCEL, now=now, **said)


def test_another_persons_proof_does_not_serve(pending, decide, approver, second_approver, now):
    stepped_up(second_approver, pending, now + timedelta(minutes=5))

    with pytest.raises(Unproven):
        decide(pending, approver)


def test_a_proof_for_another_content_does_not_serve(pending, edit, decide, support, approver, now):
    stepped_up(approver, pending, now + timedelta(minutes=5))
    edited = edit(pending, support)

    with pytest.raises(Unproven):
        decide(edited, approver)


@pytest.mark.parametrize("minutes", [-1, 5, 6])
def test_a_proof_serves_for_five_minutes_from_when_it_was_made(pending, decide, approver, now, minutes):
    stepped_up(approver, pending, now + timedelta(minutes=5))

    with pytest.raises(Unproven):
        decide(pending, approver, at=now + timedelta(minutes=5 + minutes))


@pytest.mark.django_db(transaction=True)
def test_a_decision_dated_back_does_not_revive_an_old_proof(pending, decide, approver, now):
    """As the database's own clock sees it, the proof was made six minutes ago."""
    stepped_up(approver, pending, now + timedelta(minutes=5))
    guard = "alter table accounts_stepup {} trigger accounts_guard_step_up"
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(guard.format("disable"))
        cursor.execute("update accounts_stepup set made_at = made_at - interval '6 minutes'")
        cursor.execute(guard.format("enable always"))

    with pytest.raises(Unproven):
        decide(pending, approver)


def test_the_site_can_make_a_proof_and_change_none(pending, approver, now):
    stepped_up(approver, pending, now)

    for forbidden in ("update accounts_stepup set used_at = null", "delete from accounts_stepup"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(forbidden)


# The page ------------------------------------------------------------------------------------------------------------


def test_the_password_is_typed_beside_the_button(approver_client, url, sent):
    assert approver_client.post(url, sent).status_code == 302
    assert Adjustment.objects.get().state == State.APPROVED
    assert StepUp.objects.get().method == "password"


@pytest.mark.parametrize("word", ["", "wrong", "123456", "12345678", " "])
def test_without_a_right_one_nothing_happens_and_the_page_says_so(approver_client, url, sent, word):
    answer = approver_client.post(url, sent | {"word": word})

    assert answer.status_code == 422
    assert 'class="errorlist"' in answer.text
    assert not Decision.objects.exists()


def test_a_typed_reason_is_not_lost_by_a_wrong_password(approver_client, pending, sent):
    wrong = sent | {"word": "wrong", "reason": "It was paid in cash."}

    answer = approver_client.post(reverse("adjustments:reject", args=[pending.pk]), wrong)

    assert answer.status_code == 422
    assert "It was paid in cash." in answer.text


def test_what_was_typed_never_comes_back(approver_client, url, sent):
    secret = "a-secret-not-to-be-shown"

    assert secret not in approver_client.post(url, sent | {"word": secret}).text


def test_a_wrong_one_is_recorded_without_what_was_typed(approver_client, approver, url, sent):
    approver_client.post(url, sent | {"word": "not-my-password"})

    entry = Entry.objects.newest_first().first()
    assert (entry.action_type, entry.outcome, entry.actor_id) == ("step_up_refused", "refused", approver.actor.id)
    assert entry.metadata["about"] == sent["seen"]
    assert "not-my-password" not in entry.canonical


def test_whoever_cannot_decide_is_told_so_and_not_asked(approver_client, target, propose, approver):
    own = propose(target, approver)
    sent = {"revision": 1, "seen": own.content_hash, "word": ""}

    answer = approver_client.post(reverse("adjustments:approve", args=[own.pk]), sent)

    assert answer.status_code == 409
    assert "You proposed this" in answer.text


def test_asking_to_try_again_needs_it_too(needing_attention, approver_client):
    url = reverse("adjustments:retry", args=[needing_attention.pk])

    answer = approver_client.post(url, {"reason": "The bank called.", "word": "wrong"})

    assert answer.status_code == 422
    assert "The bank called." in answer.text
    assert not Decision.objects.filter(verdict=Verdict.RETRY).exists()
