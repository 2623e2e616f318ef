"""Each decision is mailed to those who are answerable, and says no more of the customer than it must."""

from datetime import timedelta

import pytest
from django.db import transaction

from accounts import changes
from accounts.factories import stepped_up
from accounts.models import Person
from adjustments import attention, workflow
from adjustments.models import Adjustment
from adjustments.states import Verdict
from jobs.models import Letter

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def finance(settings):
    settings.FINANCE_EMAIL = ["books@example.com"]


def told(adjustment):
    return [(letter.to, letter.subject.partition(".")[0]) for letter in Letter.objects.order_by("pk")]


def test_an_approval_is_told_to_the_proposer_the_approver_and_finance(approved, support, approver):
    letters = Letter.objects.filter(key__startswith="decision")

    assert {letter.to for letter in letters} == {support.email, approver.email, "books@example.com"}
    assert {letter.system for letter in letters} == {"paperclips"}


def test_it_says_what_by_whom_and_where_to_read_on(approved, support, approver):
    letter = Letter.objects.get(to="books@example.com")

    assert letter.subject == f"{approver.name} approved request #{approved.number}. 500 JPY, Paperclip shop"
    for part in ("500 JPY, 1 line", "Paperclip shop", support.name, approver.name, approved.content_hash):
        assert part in letter.body
    assert f"http://127.0.0.1:8000/adjustments/{approved.pk}/" in letter.body


def test_it_names_neither_the_reason_nor_whose_it_is(propose, approve, target, support, approver):
    approve(propose(target, support, reason="Mrs Sato called about order 7."), approver)

    assert "Sato" not in "".join(Letter.objects.values_list("body", flat=True))


def test_each_reads_it_in_their_own_language_and_zone(pending, approve, support, approver):
    Person.objects.filter(pk=support.pk).update(language="ja", zone="Asia/Tokyo")

    approve(pending, approver)

    assert Letter.objects.get(to=support.email).language == "ja"
    assert "21:05 JST" in Letter.objects.get(to=support.email).body
    assert "12:05 UTC" in Letter.objects.get(to=approver.email).body


def test_a_rejection_is_told(pending, approver, support, now):
    at = now + timedelta(minutes=1)
    workflow.reject(
        adjustment=pending,
        approver=stepped_up(approver, pending, at),
        revision=1,
        seen=pending.content_hash,
        reason="Not ours.",
        now=at,
    )

    assert {to for to, _ in told(pending)} == {support.email, "books@example.com"}
    assert f"{approver.name} rejected request" in Letter.objects.first().subject


def test_what_became_of_it_is_told(applied):
    assert Letter.objects.filter(subject__startswith=f"Request #{applied.number} was applied.").count() == 3


def test_attention_is_called_for_and_who_asks_for_what_is_told(needing_attention, second_approver, now):
    at = now + timedelta(minutes=9)
    attention.ask(
        adjustment=needing_attention,
        person=stepped_up(second_approver, needing_attention, at),
        verdict=Verdict.RETRY,
        reason="The order is back.",
        now=at,
    )

    subjects = set(Letter.objects.filter(to="books@example.com").values_list("subject", flat=True))
    number = needing_attention.number
    assert any(f"#{number} was approved, but needs attention." in subject for subject in subjects)
    assert any(f"{second_approver.name} asked to try request #{number} again." in subject for subject in subjects)


def test_a_decision_that_is_rolled_back_is_told_to_nobody(pending, approve, approver):
    with transaction.atomic():
        approve(pending, approver)
        transaction.set_rollback(True)

    assert not Letter.objects.exists()


def test_whoever_is_no_longer_there_is_told_nothing(pending, approve, support, approver, admin, second_admin, now):
    leaving = changes.request(person=support, kind="disable", reason="Left the company.", by=admin, now=now)
    changes.confirm(change=leaving, by=second_admin, now=now)

    approve(pending, approver)

    assert support.email not in Letter.objects.values_list("to", flat=True)


def test_nobody_is_told_twice_of_the_same(applied):
    Adjustment.objects.get(pk=applied.pk)
    keys = list(Letter.objects.values_list("key", "to"))

    assert len(keys) == len(set(keys))
