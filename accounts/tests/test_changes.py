"""The verbs on people: ask, confirm, refuse, withdraw, and found."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import changes
from accounts.models import Kind, Person, PersonChange, State
from audit.models import Entry
from conftest import CAST_SINCE

pytestmark = pytest.mark.django_db


def ask(person, by, kind=Kind.GRANT, roles=("auditor",)):
    return changes.request(person=person, kind=kind, roles=roles, reason="New duties.", by=by, now=CAST_SINCE)


def confirm(change, by):
    return changes.confirm(change=change, by=by, now=CAST_SINCE)


def again(person):
    return Person.objects.get(pk=person.pk)


def test_what_is_asked_has_not_happened(manager, admin):
    change = ask(manager, admin)

    assert change.state == State.PENDING
    assert again(manager).roles == {"manager"}


def test_a_second_admin_grants_a_role(manager, admin, second_admin):
    confirm(ask(manager, admin), second_admin)

    assert again(manager).roles == {"manager", "auditor"}
    assert manager.grants.get(role="auditor").granted_by == second_admin


def test_a_second_admin_revokes_a_role(manager, admin, second_admin):
    confirm(ask(manager, admin, Kind.REVOKE, ["manager"]), second_admin)

    assert again(manager).roles == set()


def test_a_disabled_person_may_nothing(manager, admin, second_admin):
    confirm(ask(manager, admin, Kind.DISABLE, []), second_admin)

    assert not again(manager).is_active
    assert not again(manager).may("read")


def test_a_disabled_person_comes_back_with_the_same_roles(manager, admin, second_admin):
    confirm(ask(manager, admin, Kind.DISABLE, []), second_admin)
    confirm(ask(again(manager), admin, Kind.ENABLE, []), second_admin)

    assert again(manager).may("read")


def test_an_invited_person_cannot_sign_in_until_confirmed(admin, second_admin):
    change = changes.invite(
        email=" Eve@Billing.example", name="Eve", roles=["support"], reason="Hired.", by=admin, now=CAST_SINCE
    )
    assert not change.person.is_active

    confirm(change, second_admin)

    assert change.person.email == "eve@billing.example"
    assert again(change.person).may("triage")


def test_the_admin_who_asked_cannot_confirm(manager, admin):
    with pytest.raises(changes.Refusal, match="another admin"):
        confirm(ask(manager, admin), admin)

    assert PersonChange.objects.pending().count() == 1


def test_an_approver_cannot_ask(manager, approver):
    with pytest.raises(changes.Refusal, match="Only an admin"):
        ask(manager, approver)


def test_the_slower_of_two_is_told_who_was_first(manager, admin, second_admin):
    change = ask(manager, admin)
    confirm(change, second_admin)

    with pytest.raises(changes.AlreadyDecided, match="Oliver Grant"):
        changes.withdraw(change=change, by=admin, now=CAST_SINCE)


def test_the_same_is_not_asked_twice(manager, admin, second_admin):
    ask(manager, admin)

    with pytest.raises(changes.Refusal, match="already waits"):
        ask(manager, second_admin)


def test_who_asked_withdraws(manager, admin):
    change = changes.withdraw(change=ask(manager, admin), by=admin, now=CAST_SINCE)

    assert change.state == State.WITHDRAWN


def test_another_cannot_withdraw(manager, admin, second_admin):
    with pytest.raises(changes.Refusal, match="withdraws it"):
        changes.withdraw(change=ask(manager, admin), by=second_admin, now=CAST_SINCE)


def test_another_admin_refuses_with_a_reason(manager, admin, second_admin):
    change = changes.refuse(change=ask(manager, admin), by=second_admin, reason="Not her.", now=CAST_SINCE)

    assert change.state == State.REFUSED
    assert Entry.objects.get(action_type="role_grant_refused").reason == "Not her."


def test_who_asked_cannot_refuse(manager, admin):
    with pytest.raises(changes.Refusal, match="withdraws it"):
        changes.refuse(change=ask(manager, admin), by=admin, reason="r", now=CAST_SINCE)


@pytest.mark.parametrize(
    ("kind", "roles", "sentence"),
    [
        (Kind.GRANT, ["manager"], "held already"),
        (Kind.REVOKE, ["auditor"], "not held"),
        (Kind.ENABLE, [], "active already"),
    ],
)
def test_what_would_change_nothing_is_refused(manager, admin, kind, roles, sentence):
    with pytest.raises(changes.Refusal, match=sentence):
        ask(manager, admin, kind, roles)


def test_approver_beside_admin_is_refused_when_asked(second_admin, admin):
    with pytest.raises(changes.Refusal, match="Nobody holds admin together"):
        ask(second_admin, admin, Kind.GRANT, ["approver"])


def test_one_address_is_one_person(admin, support):
    with pytest.raises(changes.Refusal, match="here already"):
        changes.invite(email=support.email, name="Ken", roles=[], reason="r", by=admin, now=CAST_SINCE)


def test_asking_and_confirming_are_recorded_with_before_and_after(manager, admin, second_admin):
    confirm(ask(manager, admin), second_admin)

    asked, confirmed, granted = list(Entry.objects.about("person", manager.pk).order_by("position"))[-3:]
    assert (asked.action_type, asked.actor_id) == ("role_grant_requested", f"person:{admin.pk}")
    assert (confirmed.action_type, confirmed.actor_id) == ("role_grant_confirmed", f"person:{second_admin.pk}")
    assert (confirmed.metadata["before"], confirmed.metadata["after"]) == ({"state": "pending"}, {"state": "confirmed"})
    assert (granted.action_type, granted.metadata["after"]["role"]) == ("role_added", "auditor")
    assert {entry.reason for entry in (asked, confirmed, granted)} == {"New duties."}


@pytest.mark.parametrize(
    "change",
    [
        "accounts_person set password = 'x'",
        "accounts_person set email = 'mallory@billing.example' where email like 'aiko%'",
        "accounts_person set name = 'Mallory'",
    ],
)
def test_nobody_is_changed_by_nobody(approver, change, run_deferred):
    with transaction.atomic():
        connection.cursor().execute(f"update {change}")
        with pytest.raises(IntegrityError, match="nobody said who does this"):
            run_deferred()
        transaction.set_rollback(True)


def test_a_refused_attempt_leaves_nothing_behind(manager, admin):
    before = Entry.objects.count()

    with pytest.raises(changes.Refusal):
        ask(manager, admin, Kind.GRANT, ["manager"])

    assert Entry.objects.count() == before


def test_a_third_founder_is_refused(admin, second_admin):
    with pytest.raises(changes.Refusal, match="People page"):
        changes.found(email="t@billing.example", name="T", roles=["admin"], password="x", now=CAST_SINCE)

    assert Person.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(manager, admin, second_admin):
    invited = changes.invite(
        email="t@billing.example", name="Third", roles=["admin"], reason="r", by=admin, now=CAST_SINCE
    )
    third = confirm(invited, second_admin).person
    change = ask(manager, admin)
    barrier, told = threading.Barrier(2, timeout=20), []

    def decide(by):
        mine = PersonChange.objects.get(pk=change.pk)
        barrier.wait()
        try:
            confirm(mine, by)
            told.append("confirmed")
        except changes.AlreadyDecided:
            told.append("somebody was faster")
        finally:
            connection.close()

    threads = [threading.Thread(target=decide, args=[by]) for by in (second_admin, third)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == ["confirmed", "somebody was faster"]
    assert Entry.objects.filter(action_type="role_grant_confirmed").count() == 1
