import pytest

from accounts.demo import CAST, build_cast
from accounts.models import Person, RoleGrant
from conftest import CAST_SINCE

pytestmark = pytest.mark.django_db


def test_the_cast_holds_its_roles_and_can_sign_in():
    build_cast(CAST_SINCE)

    for member in CAST.values():
        person = Person.objects.get(email=member.email)
        assert person.is_active
        assert person.roles == {member.role}
        assert person.check_password(member.password)


def test_bringing_the_cast_in_again_changes_nothing():
    build_cast(CAST_SINCE)

    build_cast(CAST_SINCE)

    assert Person.objects.count() == RoleGrant.objects.count() == len(CAST)


def test_fixtures_are_the_cast(support, approver, second_approver, manager, auditor, admin, second_admin):
    assert support.may("triage")
    assert not support.may("decide")
    assert approver.may("decide")
    assert second_approver.pk != approver.pk
    assert not manager.may("triage")
    assert auditor.may("audit")
    assert admin.may("people")
    assert not second_admin.may("read")
