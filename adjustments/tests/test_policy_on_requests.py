"""What the policy says beside a request: who can approve it and who not, what is left today, and when it ends."""

from datetime import timedelta

import pytest

from accounts import changes as people_changes
from adjustments import expiry
from adjustments.models import Adjustment
from adjustments.people import voters
from adjustments.policies.panels import figures
from jobs.models import Letter

pytestmark = pytest.mark.django_db


def page_of(client, adjustment):
    return client.get(adjustment.get_absolute_url()).text


def told(adjustment):
    return {voter.person.name: voter.why_not for voter in voters(adjustment)}


# Who can approve -----------------------------------------------------------------------------------------------------


def test_it_names_who_can_and_who_cannot_and_why(pending, edit, approver, second_approver):
    assert told(pending) == {approver.name: "", second_approver.name: ""}

    edited = edit(pending, approver)

    assert told(edited) == {approver.name: "edited it", second_approver.name: ""}


def test_whoever_proposed_or_decided_cannot(target, propose, approve, change_policy, approver, second_approver):
    change_policy(approvals=2)
    pending = approve(propose(target, approver), second_approver)

    assert told(pending) == {approver.name: "proposed it", second_approver.name: "has decided already"}


def test_a_disabled_approver_is_named_as_such(pending, approver, admin, second_admin, now):
    change = people_changes.request(person=approver, kind="disable", reason="Left.", by=admin, now=now)
    people_changes.confirm(change=change, by=second_admin, now=now)

    assert told(pending) == {approver.name: "disabled"}


def test_when_nobody_can_it_says_so_loudly(at_work, target, propose, approver, approver_client, support_client):
    """The only approver is about to propose it, and then has."""
    draft = approver_client.get(f"/adjustments/propose/?anomaly={target.anomaly.pk}&correction=book_payment").text
    assert "Nobody could approve this" in draft
    assert f"{approver.name}: proposes it." in draft

    page = page_of(support_client, propose(target, approver))

    assert "Nobody can approve this" in page
    assert "proposed it" in page


def test_an_honest_request_is_not_shouted_at(at_work, pending, support_client, approver, target):
    assert "can approve this" not in page_of(support_client, pending)


# Caps ----------------------------------------------------------------------------------------------------------------


def test_what_is_left_today_stands_on_the_page(
    at_work,
    change_policy,
    requests,
    approve,
    approver,
    second_approver,
    second_approver_client,
):
    change_policy(system="paperclips", total_cap=1_000, approver_cap=700)
    first, second = requests(600, 500)
    approve(first, approver)

    page = page_of(second_approver_client, second)

    assert "Left today" in page
    assert "Beyond a cap" in page
    assert "has used up the cap of the day" in page
    assert "Left today" in second_approver_client.get(f"{second.get_absolute_url()}decide/").text


# A change of policy --------------------------------------------------------------------------------------------------


def test_the_page_says_that_the_policy_changed_and_what_is_void(
    at_work, target, propose, approve, change_policy, support, support_client, approver, second_approver
):
    change_policy(approvals=2)
    pending = approve(propose(target, support), approver)
    change_policy(approvals=2, reason_length=4)
    pending.refresh_from_db()

    page = page_of(support_client, pending)

    assert "The policy has changed" in page
    assert "1 approval so far no longer counts" in page


# Deadlines -----------------------------------------------------------------------------------------------------------


def test_before_a_deadline_those_who_can_act_are_told_once(pending, support, approver, second_approver):
    end = pending.approve_by
    assert expiry.warn(end - timedelta(hours=4, seconds=1)).startswith("0 ")

    assert expiry.warn(end - timedelta(hours=4)).startswith("3 ")
    assert expiry.warn(end - timedelta(hours=3)).startswith("0 ")

    letters = Letter.objects.filter(subject__contains="expires at")
    assert set(letters.values_list("to", flat=True)) == {support.email, approver.email, second_approver.email}
    assert "unless it is approved" in letters.first().subject


def test_an_approved_one_warns_of_its_own_deadline(approved, support, approver):
    end = Adjustment.objects.get().apply_by

    assert expiry.warn(end - timedelta(hours=1)).startswith("2 ")
    assert "unless it is applied" in Letter.objects.filter(subject__contains="expires").first().subject


def test_the_notice_is_the_policys(change_policy, target, propose, support):
    change_policy(notice=timedelta(hours=20))
    pending = propose(target, support)

    assert expiry.near_their_end(pending.approve_by - timedelta(hours=20)) == [pending]


def test_the_board_shows_deadlines_that_are_near(pending):
    [figure] = figures(pending.approve_by - timedelta(hours=1))["paperclips"]

    assert (figure["value"], figure["level"]) == ("1", "warning")
    assert not figures(pending.proposed_at)
