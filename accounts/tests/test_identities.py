"""Source identities, and what the directory may ask for: also by hand-written SQL as the site's role."""

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from accounts import changes
from accounts.changes import Identity
from accounts.models import Kind, PersonChange, RoleGrant, SourceIdentity, State
from audit.log import Actor, acting
from audit.models import Entry
from conftest import CAST_SINCE

pytestmark = pytest.mark.django_db

DIRECTORY = Actor("directory", "the directory")
UUID = Identity("uuid", "0B7C1F9E-1111-4222-8333-444455556666")


def forbidden(statement, *parameters, actor=DIRECTORY):
    with pytest.raises((IntegrityError, ProgrammingError)) as refused, acting(actor), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
    cause = refused.value.__cause__
    return cause.diag.constraint_name or cause.diag.message_primary


def asked(person, kind, roles, by=None):
    with acting(by.actor if by else DIRECTORY):
        return PersonChange.objects.create(
            person=person, kind=kind, roles=roles, reason="r", requested_by=by, requested_at=CAST_SINCE
        )


def is_beneficiary(person, *values, system=""):
    with connection.cursor() as cursor:
        cursor.execute("select accounts_is_beneficiary(%s, %s, %s)", [person.pk, list(values), system])
        return cursor.fetchone()[0]


@pytest.fixture
def matched(admin, second_admin, approver):
    def match(identity=UUID, person=approver):
        change = changes.request(
            person=person, kind=Kind.MATCH, identity=identity, reason="r", by=admin, now=CAST_SINCE
        )
        return changes.confirm(change=change, by=second_admin, now=CAST_SINCE)

    return match


# Identities ----------------------------------------------------------------------------------------------------------


def test_a_match_holds_once_a_second_admin_has_confirmed(matched, approver):
    assert not is_beneficiary(approver, UUID.value)

    matched()

    assert is_beneficiary(approver, "somebody", f" {UUID.value.lower()} ")
    assert Entry.objects.filter(action_type="identity_added", target_id=str(approver.pk)).exists()


def test_an_unmatch_takes_it_away(matched, admin, second_admin, approver):
    matched()
    change = changes.request(person=approver, kind=Kind.UNMATCH, identity=UUID, reason="r", by=admin, now=CAST_SINCE)
    changes.confirm(change=change, by=second_admin, now=CAST_SINCE)

    assert not is_beneficiary(approver, UUID.value)


def test_an_identity_of_one_system_is_none_in_another(matched, approver):
    matched(Identity("telegram", "4711", "myasp"))

    assert is_beneficiary(approver, "4711", system="myasp")
    assert not is_beneficiary(approver, "4711", system="kiosk")


def test_the_address_of_sign_in_is_an_identity(approver):
    assert is_beneficiary(approver, approver.email.upper())


def test_nobody_is_somebody_else(matched, approver, support):
    matched()

    assert not is_beneficiary(support, UUID.value)


def test_nothing_is_matched_twice(matched, admin, approver):
    matched()

    with pytest.raises(changes.Refusal, match="already"):
        changes.request(person=approver, kind=Kind.MATCH, identity=UUID, reason="r", by=admin, now=CAST_SINCE)


def test_nothing_is_unmatched_that_is_not_matched(admin, approver):
    with pytest.raises(changes.Refusal, match="not matched"):
        changes.request(person=approver, kind=Kind.UNMATCH, identity=UUID, reason="r", by=admin, now=CAST_SINCE)


def test_no_identity_comes_without_a_confirmed_change(admin, approver):
    change = changes.request(person=approver, kind=Kind.MATCH, identity=UUID, reason="r", by=admin, now=CAST_SINCE)
    insert = """insert into accounts_sourceidentity (person_id, kind, system, value, matched_at, change_id)
        values (%s, 'uuid', '', %s, now(), %s)"""

    assert forbidden(insert, approver.pk, UUID.value, change.pk) == "identity_is_matched_by_a_change"


@pytest.mark.django_db(transaction=True)
def test_no_identity_goes_without_a_confirmed_change(matched):
    matched()

    assert forbidden("delete from accounts_sourceidentity") == "identity_is_matched_by_a_change"
    assert SourceIdentity.objects.count() == 1


def test_no_identity_is_altered(matched):
    matched()

    assert forbidden("update accounts_sourceidentity set value = 'x'")


def test_a_match_names_its_identity(admin, approver):
    with pytest.raises(changes.Refusal, match="Say under which id"):
        changes.request(
            person=approver, kind=Kind.MATCH, identity=Identity("uuid", " "), reason="r", by=admin, now=CAST_SINCE
        )


def test_what_is_to_be_matched_is_not_altered(admin, approver):
    change = changes.request(person=approver, kind=Kind.MATCH, identity=UUID, reason="r", by=admin, now=CAST_SINCE)
    update = "update accounts_personchange set identity_value = 'another' where id = %s"

    assert forbidden(update, change.pk) == "change_is_decided_once"


# The directory -------------------------------------------------------------------------------------------------------


def test_what_the_directory_asks_for_needs_one_admin(manager, admin):
    change = asked(manager, Kind.GRANT, ["auditor"])
    assert not RoleGrant.objects.filter(person=manager, role="auditor").exists()

    changes.confirm(change=change, by=admin, now=CAST_SINCE)

    assert RoleGrant.objects.filter(person=manager, role="auditor").exists()


def test_nobody_confirms_what_the_directory_asks_for_themselves(admin):
    change = asked(admin, Kind.GRANT, ["auditor"])

    with pytest.raises(changes.Refusal, match="another admin"):
        changes.confirm(change=change, by=admin, now=CAST_SINCE)


def test_only_an_admin_confirms_what_the_directory_asks_for(manager, approver):
    change = asked(manager, Kind.GRANT, ["auditor"])

    with pytest.raises(changes.Refusal, match="admins"):
        changes.confirm(change=change, by=approver, now=CAST_SINCE)


def test_the_directory_does_not_confirm_what_it_asks_for(manager):
    change = asked(manager, Kind.GRANT, ["auditor"])
    confirm = "update accounts_personchange set state = 'confirmed', decided_at = now() where id = %s"

    assert forbidden(confirm, change.pk) == "change_is_decided_by_somebody"


def taken_away(person, role):
    with acting(DIRECTORY):
        change = asked(person, Kind.REVOKE, [role])
        PersonChange.objects.filter(pk=change.pk).update(state=State.CONFIRMED, decided_at=CAST_SINCE)
        RoleGrant.objects.filter(person=person, role=role).delete()


def test_the_directory_takes_a_role_away_at_once(support):
    taken_away(support, "support")

    assert not RoleGrant.objects.filter(person=support).exists()


def test_the_directory_leaves_two_admins(admin, second_admin):
    with pytest.raises(IntegrityError, match="two active admins"):
        taken_away(admin, "admin")


@pytest.mark.parametrize("kind", [Kind.DISABLE, Kind.ENABLE])
def test_the_directory_asks_for_roles_alone(manager, kind):
    with pytest.raises(IntegrityError, match="change_of_the_directory_is_of_roles"):
        asked(manager, kind, [])


def test_nobody_passes_for_the_directory(manager, admin):
    with pytest.raises(IntegrityError, match="is the directory's"), acting(admin.actor), transaction.atomic():
        PersonChange.objects.create(
            person=manager, kind=Kind.GRANT, roles=["auditor"], reason="r", requested_at=CAST_SINCE
        )


def test_nobody_passes_a_confirmation_off_as_the_directorys(manager, admin):
    change = asked(manager, Kind.REVOKE, ["manager"])
    confirm = "update accounts_personchange set state = 'confirmed', decided_at = now() where id = %s"

    assert forbidden(confirm, change.pk, actor=admin.actor) == "change_is_decided_by_the_directory"


def test_the_directory_takes_back_what_it_asked_for(manager):
    change = asked(manager, Kind.GRANT, ["auditor"])
    with acting(DIRECTORY):
        assert PersonChange.objects.filter(pk=change.pk).update(state=State.WITHDRAWN, decided_at=CAST_SINCE)


def test_the_page_tells_that_the_directory_asks(manager, admin):
    change = asked(manager, Kind.GRANT, ["auditor"])

    assert change.asker == "the directory"
