"""What the database forbids about people and roles, tried with hand-written SQL as the site's role."""

import threading
from contextlib import nullcontext

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from psycopg import errors

from accounts import changes
from accounts.models import Kind, Person, PersonChange, RoleGrant
from audit.log import Actor, acting
from conftest import CAST_SINCE

pytestmark = pytest.mark.django_db

INSERT_PERSON = """
insert into accounts_person (email, name, password, zone, language, theme, is_active, created_at)
values ('eve@billing.example', 'Eve', '!', 'UTC', 'en', 'auto', %s, now()) returning id
"""
INSERT_GRANT = "insert into accounts_rolegrant (person_id, role, granted_at, change_id) values (%s, %s, now(), %s)"
INSERT_CHANGE = """
insert into accounts_personchange (person_id, kind, roles, reason, state, requested_by_id, requested_at, decided_by_id,
    decided_at, confirmed_in)
values (%s, 'grant', '{auditor}', 'because', %s, %s, now(), %s, now(), pg_current_xact_id()::text::bigint)
"""
CONFIRM = "update accounts_personchange set state = 'confirmed', decided_by_id = %s, decided_at = now() where id = %s"


HAND = Actor("hand", "somebody at a terminal")


@pytest.fixture(autouse=True)
def somebody_says_who_they_are(request, db):
    """For the whole test, where that is one transaction."""
    committing = request.node.get_closest_marker("django_db").kwargs.get("transaction")
    with nullcontext() if committing else acting(HAND):
        yield


def run(statement, *parameters):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()[0] if cursor.description else cursor.rowcount


def forbidden(statement, *parameters):
    """The name of the constraint, or the message, with which the database refuses."""
    with pytest.raises((IntegrityError, ProgrammingError)) as refused:
        run(statement, *parameters)
    cause = refused.value.__cause__
    return cause.diag.constraint_name or cause.diag.message_primary


@pytest.fixture
def change(admin, manager):
    return changes.request(person=manager, kind=Kind.GRANT, roles=["auditor"], reason="r", by=admin, now=CAST_SINCE)


def test_nobody_is_active_by_an_insert_alone(support):
    assert forbidden(INSERT_PERSON, True) == "person_is_admitted_by_a_change"


def test_nobody_becomes_active_by_an_update_alone(support):
    eve = run(INSERT_PERSON, False)

    assert (
        forbidden("update accounts_person set is_active = true where id = %s", eve) == "person_is_enabled_by_a_change"
    )


def test_nobody_is_disabled_by_an_update_alone(support):
    update = "update accounts_person set is_active = false where id = %s"

    assert forbidden(update, support.pk) == "person_is_enabled_by_a_change"


def test_nobody_is_deleted(support):
    assert "never deleted" in forbidden("delete from accounts_person where id = %s", support.pk)


def test_no_role_is_granted_without_a_change(manager):
    assert forbidden(INSERT_GRANT, manager.pk, "approver", None) == "role_is_granted_by_a_change"


def test_no_role_is_granted_by_a_change_that_waits(change, manager):
    assert forbidden(INSERT_GRANT, manager.pk, "auditor", change.pk) == "role_is_granted_by_a_change"


def test_a_confirmed_change_cannot_be_used_for_another_role(change, manager, second_admin):
    with transaction.atomic():
        run(CONFIRM, second_admin.pk, change.pk)

        assert forbidden(INSERT_GRANT, manager.pk, "approver", change.pk) == "role_is_granted_by_a_change"


@pytest.mark.django_db(transaction=True)
def test_a_confirmed_change_cannot_be_used_again_later(change, manager, admin, second_admin):
    changes.confirm(change=change, by=second_admin, now=CAST_SINCE)
    undo = changes.request(person=manager, kind=Kind.REVOKE, roles=["auditor"], reason="r", by=admin, now=CAST_SINCE)
    changes.confirm(change=undo, by=second_admin, now=CAST_SINCE)

    assert forbidden(INSERT_GRANT, manager.pk, "auditor", change.pk) == "role_is_granted_by_a_change"


def test_no_role_is_altered(manager):
    assert "never altered" in forbidden("update accounts_rolegrant set role = 'approver'")


def test_no_role_is_taken_away_without_a_change(approver):
    remove = "delete from accounts_rolegrant where person_id = %s"

    assert forbidden(remove, approver.pk) == "role_is_revoked_by_a_change"


def test_a_change_cannot_begin_confirmed(manager, admin, second_admin):
    insert = (INSERT_CHANGE, manager.pk, "confirmed", admin.pk, second_admin.pk)

    assert forbidden(*insert) == "change_is_asked_by_an_admin"


def test_a_change_cannot_be_asked_by_somebody_else(manager, support):
    insert = (INSERT_CHANGE, manager.pk, "pending", support.pk, None)

    assert forbidden(*insert) == "change_is_asked_by_an_admin"


def test_one_admin_cannot_ask_and_confirm(change, admin):
    assert forbidden(CONFIRM, admin.pk, change.pk) == "change_is_confirmed_by_a_second_admin"


def test_an_approver_cannot_confirm(change, approver):
    assert forbidden(CONFIRM, approver.pk, change.pk) == "change_is_confirmed_by_admins"


def test_the_person_concerned_cannot_confirm(admin, second_admin):
    change = changes.request(
        person=second_admin, kind=Kind.GRANT, roles=["manager"], reason="r", by=admin, now=CAST_SINCE
    )

    assert forbidden(CONFIRM, second_admin.pk, change.pk) == "change_is_confirmed_by_a_second_admin"


@pytest.mark.parametrize(
    "column", ["roles = '{approver}'", "person_id = requested_by_id", "kind = 'revoke'", "reason = 'nicer'"]
)
def test_a_change_is_not_altered_on_its_way(change, second_admin, column):
    slip_in = f"update accounts_personchange set {column}, state = 'confirmed', decided_by_id = %s, decided_at = now()"

    assert forbidden(f"{slip_in} where id = %s", second_admin.pk, change.pk) == "change_is_decided_once"


def test_a_decided_change_stays_decided(change, admin, second_admin):
    changes.withdraw(change=change, by=admin, now=CAST_SINCE)

    assert forbidden(CONFIRM, second_admin.pk, change.pk) == "change_is_decided_once"


def test_a_change_is_never_deleted(change):
    assert "never deleted" in forbidden("delete from accounts_personchange")


@pytest.mark.parametrize("role", ["support", "approver"])
def test_nobody_founds_a_console_as_admin_and_more(db, role):
    eve = run(INSERT_PERSON, True)
    run(INSERT_GRANT, eve, role, None)

    assert forbidden(INSERT_GRANT, eve, "admin", None) == "admin_stands_apart"


def test_nobody_is_granted_support_beside_admin(admin, second_admin):
    third = changes.invite(email="t@billing.example", name="T", roles=["admin"], reason="r", by=admin, now=CAST_SINCE)
    changes.confirm(change=third, by=second_admin, now=CAST_SINCE)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "insert into accounts_personchange (person_id, kind, roles, reason, state, requested_by_id, requested_at)"
            " values (%s, 'grant', '{support}', 'r', 'pending', %s, now()) returning id",
            [third.person_id, admin.pk],
        )
        change = PersonChange.objects.get(pk=cursor.fetchone()[0])

    with pytest.raises(changes.Refusal, match="Nobody holds admin together"):
        changes.confirm(change=change, by=second_admin, now=CAST_SINCE)

    assert Person.objects.get(pk=third.person_id).roles == {"admin"}


def test_two_admins_remain_when_one_is_disabled(admin, second_admin, support):
    change = changes.request(person=admin, kind=Kind.DISABLE, reason="r", by=admin, now=CAST_SINCE)

    with pytest.raises(changes.Refusal, match="Two active admins"):
        changes.confirm(change=change, by=second_admin, now=CAST_SINCE)


def test_two_admins_remain_when_one_loses_the_role(admin, second_admin, support):
    change = changes.request(person=admin, kind=Kind.REVOKE, roles=["admin"], reason="r", by=admin, now=CAST_SINCE)

    with pytest.raises(changes.Refusal, match="Two active admins"):
        changes.confirm(change=change, by=second_admin, now=CAST_SINCE)


def test_the_change_of_an_admin_who_was_disabled_meanwhile_is_not_confirmed(change, admin, second_admin):
    third = changes.invite(email="t@billing.example", name="T", roles=["admin"], reason="r", by=admin, now=CAST_SINCE)
    third = changes.confirm(change=third, by=second_admin, now=CAST_SINCE).person
    leaving = changes.request(person=admin, kind=Kind.DISABLE, reason="r", by=second_admin, now=CAST_SINCE)
    changes.confirm(change=leaving, by=third, now=CAST_SINCE)

    assert forbidden(CONFIRM, second_admin.pk, change.pk) == "change_is_confirmed_by_admins"


def test_an_admin_who_was_disabled_meanwhile_confirms_nothing(change, admin, second_admin):
    third = changes.invite(email="t@billing.example", name="T", roles=["admin"], reason="r", by=admin, now=CAST_SINCE)
    third = changes.confirm(change=third, by=second_admin, now=CAST_SINCE).person
    leaving = changes.request(person=second_admin, kind=Kind.DISABLE, reason="r", by=admin, now=CAST_SINCE)
    changes.confirm(change=leaving, by=third, now=CAST_SINCE)

    assert forbidden(CONFIRM, second_admin.pk, change.pk) == "change_is_confirmed_by_admins"


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("email", "Eve@billing.example", "person_email_is_lower_case"),
        ("name", "", "person_has_a_name"),
        ("language", "xx", "person_language_is_known"),
        ("theme", "pink", "person_theme_is_known"),
    ],
)
def test_a_person_is_well_formed(support, column, value, constraint):
    assert forbidden(f"update accounts_person set {column} = %s where id = %s", value, support.pk) == constraint


@pytest.mark.parametrize(
    "statement", ["alter table accounts_rolegrant disable trigger all", "truncate accounts_person"]
)
def test_the_site_cannot_put_the_guards_aside(db, statement):
    with pytest.raises(ProgrammingError) as refused, transaction.atomic():
        connection.cursor().execute(statement)

    assert isinstance(refused.value.__cause__, errors.InsufficientPrivilege)


@pytest.mark.django_db(transaction=True)
def test_the_console_is_founded_by_two_even_when_three_try_at_once(transactional_db):
    barrier = threading.Barrier(3, timeout=20)

    def try_founding(number):
        try:
            barrier.wait()
            changes.found(email=f"{number}@billing.example", name="N", roles=["admin"], password="x", now=CAST_SINCE)
        except changes.Refusal:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=try_founding, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert RoleGrant.objects.filter(role="admin").count() == 2
