"""Freezing: one person at once, two to let go on; under it nothing is approved or posted, by any path."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.factories import stepped_up
from adjustments import applying, ledger, workflow
from adjustments.freezes import freezing
from adjustments.freezes.models import Freeze, Scope, Thaw, ThawState
from adjustments.freezes.waiting import freezes_on, waiting_under
from adjustments.models import Adjustment, AdjustmentLine
from adjustments.standing import Refusal
from adjustments.states import Outcome, State
from adjustments.tests.test_guards import DECIDE, PERMISSION, decision, refused
from audit.log import acting
from audit.models import Entry
from systems.tests.paperclips.models import Payment

ALL = Scope()
WHY = "The prices look wrong."


@pytest.fixture
def freeze(now, support):
    def freeze(person=None, scope=ALL, reason=WHY, at=now):
        return freezing.freeze(scope=scope, person=person or support, reason=reason, now=at)

    return freeze


@pytest.fixture
def lift(now):
    def lift(freeze, asker, confirmer, at=now + timedelta(minutes=9)):
        thaw = freezing.ask(freeze=freeze, person=asker, reason="They are right again.", now=at)
        return freezing.confirm(thaw=thaw, person=confirmer, now=at)

    return lift


def refused_as(name):
    return pytest.raises(IntegrityError, match=SENTENCES[name])


SENTENCES = {
    "thaw_takes_two": "another confirms or refuses",
    "thaw_by_who_may": "approver",
    "approved": "What is frozen is not approved",
    "posted": "Nothing is posted under a freeze",
}


# Freezing ------------------------------------------------------------------------------------------------------------


def test_one_person_freezes_at_once_with_a_reason(freeze, support):
    frozen = freeze(support)

    assert frozen.is_active
    frozen.refresh_from_db()
    assert frozen.holds_from is not None
    entry = Entry.objects.get(action_type="freeze_set")
    assert (entry.actor_id, entry.reason, entry.target_id) == (f"person:{support.pk}", WHY, str(frozen.pk))
    assert entry.metadata["scope"]["system"] == ""


def test_nobody_freezes_without_a_reason(freeze):
    with pytest.raises(Refusal):
        freeze(reason=" . ")

    assert not Freeze.objects.exists()


@pytest.mark.parametrize("part", ["manager", "auditor", "admin"])
def test_who_may_not_switch_does_not_freeze(freeze, request, part):
    with pytest.raises(Refusal, match="roles"):
        freeze(request.getfixturevalue(part))


def test_the_same_is_frozen_once_and_the_second_is_told_by_whom(freeze, support, approver):
    freeze(support)

    with pytest.raises(freezing.AlreadyFrozen, match=support.name):
        freeze(approver)


def test_the_site_can_neither_change_nor_delete_nor_lift_a_freeze(freeze):
    frozen = freeze()

    for sql in ("update adjustments_freeze set lifted_at = now()", "delete from adjustments_freeze"):
        refused(PERMISSION, sql)
    frozen.refresh_from_db()
    assert frozen.is_active


@pytest.mark.django_db(transaction=True)
def test_not_even_the_owner_can_by_hand(freeze):
    freeze()

    refused("freeze_never_changes", "update adjustments_freeze set reason = 'x'", alias="owner")
    refused("freeze_lifted_by_two", "update adjustments_freeze set lifted_at = now()", alias="owner")
    refused("freeze_stays", "delete from adjustments_freeze", alias="owner")


def test_a_freeze_that_nobody_sets_is_refused(support, now):
    sql = """insert into adjustments_freeze (system, correction, customer, unit, reason, frozen_by_id, frozen_at)
        values ('', '', '', '', %s, %s, %s)"""

    refused("audit_says_who", sql, WHY, support.pk, now, at_commit=True)


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        (Scope(), True),
        (Scope(system="paperclips"), True),
        (Scope(system="imagegen"), False),
        (Scope(system="paperclips", correction="book_payment"), True),
        (Scope(system="paperclips", correction="void_payment"), False),
        (Scope(from_amount=500, unit="JPY"), True),
        (Scope(from_amount=501, unit="JPY"), False),
        (Scope(from_amount=1, unit="credits"), False),
        (Scope(customer="somebody"), False),
        (Scope(customer="hanako"), True),
    ],
)
def test_it_holds_what_its_scope_says_and_nothing_else(freeze, pending, scope, held):
    assert [one.adjustment.pk for one in waiting_under(scope).requests] == [pending.pk] * held

    frozen = freeze(scope=scope)

    assert freezes_on(pending) == [frozen] * held


# Under a freeze ------------------------------------------------------------------------------------------------------


def test_what_is_frozen_is_not_approved(freeze, pending, approve, approver):
    freeze()

    with pytest.raises(Refusal, match="frozen"):
        approve(pending, approver)

    assert Adjustment.objects.get().state == State.PENDING


def test_no_path_round_the_verbs_approves_what_is_frozen(freeze, pending, approver, now):
    freeze()

    stepped_up(approver, pending, now)
    with transaction.atomic(), refused_as("approved"):
        workflow.say(pending, approver, "approve", "", now)


def test_what_is_frozen_can_be_rejected(freeze, pending, approver, now):
    freeze()
    seen = {"revision": 1, "seen": pending.content_hash, "reason": "Wrong.", "now": now}

    stepped_up(approver, pending, now)
    assert workflow.reject(adjustment=pending, approver=approver, **seen).state == State.REJECTED


def test_what_is_approved_is_not_posted_under_a_freeze_and_says_why(freeze, approved, key_table, now):
    freeze(at=now + timedelta(minutes=6))

    applying.drive(approved.pk, now=now + timedelta(minutes=7))

    assert not Payment.objects.exists()
    approved.refresh_from_db()
    assert approved.state == State.APPROVED
    assert WHY in approved.obstacle


def test_when_it_is_lifted_what_waited_is_asked_for_again_and_posted(
    freeze, lift, approved, key_table, approver, second_approver, now
):
    frozen = freeze(at=now + timedelta(minutes=6))
    applying.drive(approved.pk, now=now + timedelta(minutes=7))

    lift(frozen, approver, second_approver)

    applying.drive(approved.pk, now=now + timedelta(minutes=10))
    approved.refresh_from_db()
    assert (approved.state, approved.obstacle) == (State.APPLIED, "")
    assert Payment.objects.count() == 1


def test_what_the_ledger_holds_already_is_recorded_under_a_freeze_with_its_own_time(freeze, approved, key_table, now):
    posted_at = now + timedelta(minutes=6)
    applying._ask_ledger(approved, approved.lines.get(), Outcome.POSTED, posted_at)  # and here the worker died
    freeze(at=now + timedelta(minutes=7))

    applying.drive(approved.pk, now=now + timedelta(minutes=8))

    approved.refresh_from_db()
    assert approved.state == State.APPLIED
    assert approved.lines.get().posted_at == posted_at
    assert Payment.objects.count() == 1


def test_what_the_ledger_says_was_posted_under_the_freeze_needs_attention(freeze, approved, key_table, now):
    frozen = freeze()
    frozen.refresh_from_db()
    late = frozen.holds_from + timedelta(seconds=1)
    applying._ask_ledger(approved, approved.lines.get(), Outcome.POSTED, late)

    applying.drive(approved.pk, now=now + timedelta(minutes=8))

    approved.refresh_from_db()
    assert approved.state == State.NEEDS_ATTENTION
    assert "after it had been frozen" in approved.obstacle


def test_a_line_that_says_it_was_posted_under_the_freeze_is_not_believed(freeze, approved):
    frozen = freeze()
    frozen.refresh_from_db()
    line = AdjustmentLine.objects.filter(adjustment=approved)
    late = {"outcome": Outcome.POSTED, "receipt": {}, "posted_at": frozen.holds_from + timedelta(seconds=1)}

    with transaction.atomic(), refused_as("posted"):
        line.update(**late)

    with acting(applying.WORKER):
        assert line.update(**late | {"posted_at": frozen.holds_from - timedelta(seconds=1)}) == 1


def test_what_was_asked_to_be_cancelled_is_fenced_under_a_freeze(
    freeze, approved, key_table, approver, second_approver, now
):
    from adjustments import attention

    freeze(at=now + timedelta(minutes=6))
    for person in (approver, second_approver):
        asked = {"verdict": "cancel", "reason": "No longer wanted.", "now": now + timedelta(minutes=7)}
        attention.ask(adjustment=approved, person=stepped_up(person, approved, asked["now"]), **asked)

    applying.drive(approved.pk, now=now + timedelta(minutes=8))

    approved.refresh_from_db()
    assert approved.state == State.CANCELLED
    assert not Payment.objects.exists()


def test_the_ledger_is_never_asked_to_post_what_is_frozen(freeze, approved, key_table, now, monkeypatch):
    freeze(at=now + timedelta(minutes=6))
    monkeypatch.setattr(ledger, "take_key", lambda *arguments, **named: pytest.fail("a key was taken"))

    applying.drive(approved.pk, now=now + timedelta(minutes=7))


# Lifting -------------------------------------------------------------------------------------------------------------


def test_lifting_takes_one_who_asks_and_another_who_confirms(freeze, lift, approver, second_approver):
    frozen = freeze()

    lift(frozen, approver, second_approver)

    frozen.refresh_from_db()
    assert not frozen.is_active
    told = list(Entry.objects.about("freeze", frozen.pk).order_by("position").values_list("action_type", flat=True))
    assert told == ["freeze_set", "thaw_asked", "freeze_lifted"]


def test_whoever_froze_may_ask_and_another_confirms(freeze, lift, approver, second_approver):
    frozen = freeze(approver)

    assert lift(frozen, approver, second_approver).state == ThawState.CONFIRMED


def test_nobody_confirms_their_own_asking_and_the_try_is_kept(freeze, lift, approver):
    frozen = freeze()

    with pytest.raises(freezing.OwnAsking):
        lift(frozen, approver, approver)

    frozen.refresh_from_db()
    assert frozen.is_active
    assert Entry.objects.about("freeze", frozen.pk).filter(outcome="refused").count() == 1


def test_the_database_wants_two_people(freeze, approver, support, now):
    thaw = freezing.ask(freeze=freeze(), person=approver, reason="It is right again.", now=now)

    for who, name in ((approver, "thaw_takes_two"), (support, "thaw_by_who_may")):
        with transaction.atomic(), refused_as(name):
            Thaw.objects.filter(pk=thaw.pk).update(state="confirmed", decided_by=who, decided_at=now)


def test_who_may_not_thaw_does_not_ask(freeze, support, now):
    with pytest.raises(Refusal, match="approvers"):
        freezing.ask(freeze=freeze(), person=support, reason="It is right again.", now=now)


def test_an_asking_is_refused_by_another_or_withdrawn_by_who_asked(freeze, approver, second_approver, now):
    frozen = freeze()
    for verb, who, more in (
        (freezing.refuse, second_approver, {"reason": "Not yet."}),
        (freezing.withdraw, approver, {}),
    ):
        thaw = freezing.ask(freeze=frozen, person=approver, reason="It is right again.", now=now)
        verb(thaw=thaw, person=who, now=now, **more)

    frozen.refresh_from_db()
    assert frozen.is_active
    assert set(Thaw.objects.values_list("state", flat=True)) == {"refused", "withdrawn"}


def test_a_second_confirmation_comes_too_late(freeze, approver, second_approver, now):
    thaw = freezing.ask(freeze=freeze(), person=approver, reason="It is right again.", now=now)
    freezing.confirm(thaw=thaw, person=second_approver, now=now)

    with pytest.raises(Refusal):
        freezing.confirm(thaw=thaw, person=second_approver, now=now)


# What the database says by name --------------------------------------------------------------------------------------

SET = """insert into adjustments_freeze
    (system, correction, customer, from_amount, unit, reason, frozen_by_id, frozen_at, lifted_at)
    values (%s, %s, '', %s, %s, %s, %s, %s, %s)"""
ASK = """insert into adjustments_thaw (freeze_id, reason, asked_by_id, asked_at, state, decided_by_id, decided_at, note)
    values (%s, %s, %s, %s, %s, %s, %s, '')"""


def test_a_freeze_by_hand_is_held_to_what_a_freeze_is(freeze, support, manager, now):
    freeze(support)

    for rule, scope, reason, person, lifted in (
        ("freeze_says_why", ("imagegen", "", None, ""), " ", support, None),
        ("freeze_correction_has_its_system", ("", "book_payment", None, ""), WHY, support, None),
        ("freeze_amount_has_its_unit", ("imagegen", "", 5, ""), WHY, support, None),
        ("freeze_once", ("", "", None, ""), WHY, support, None),
        ("freeze_begins_in_force", ("imagegen", "", None, ""), WHY, support, now),
        ("freeze_by_who_may", ("imagegen", "", None, ""), WHY, manager, None),
    ):
        refused(rule, SET, *scope, reason, person.pk, now, lifted)


def test_what_is_frozen_is_not_approved_by_hand(freeze, pending, approver):
    freeze()

    refused("approved_while_nothing_is_frozen", DECIDE, *decision(pending, approver))


def test_no_line_is_posted_under_a_freeze_by_hand(freeze, approved):
    freeze()
    posted = "update adjustments_adjustmentline set outcome = 'posted', receipt = '{}', posted_at = %s"

    refused("posted_before_the_freeze", posted, Freeze.objects.get().holds_from + timedelta(seconds=1))


def test_a_thaw_by_hand_is_held_to_what_a_thaw_is(freeze, approver, second_approver, now):
    frozen = freeze()
    refused("thaw_begins_pending", ASK, frozen.pk, WHY, approver.pk, now, "refused", second_approver.pk, now)
    refused("thaw_says_why", ASK, frozen.pk, " ", approver.pk, now, "pending", None, None)
    freezing.ask(freeze=frozen, person=approver, reason=WHY, now=now)
    refused("thaw_asked_once", ASK, frozen.pk, WHY, second_approver.pk, now, "pending", None, None)
    refused("thaw_decided_once", "update adjustments_thaw set state = 'pending'")
    decided = "update adjustments_thaw set state = %s, decided_by_id = %s, decided_at = %s"
    refused("thaw_state_is_known", decided, "melted", second_approver.pk, now)
    refused("thaw_decided_by_somebody", decided, "refused", second_approver.pk, None)

    freezing.confirm(thaw=Thaw.objects.get(), person=second_approver, now=now)
    refused("thaw_of_what_is_frozen", ASK, frozen.pk, WHY, approver.pk, now, "pending", None, None)


@pytest.mark.django_db(transaction=True)
def test_an_asking_is_never_deleted(freeze, approver, now):
    freezing.ask(freeze=freeze(), person=approver, reason=WHY, now=now)

    refused("thaw_stays", "delete from adjustments_thaw", alias="owner")
