import pytest

from accounts.roles import CAPABILITIES, Role, are_apart, capabilities, roles_for

# The table as it was decided: capability by capability, who.
TABLE = {
    "read": {"support", "approver", "manager", "auditor"},
    "triage": {"support", "approver"},
    "decide": {"approver"},
    "switch": {"support", "approver"},
    "thaw": {"approver"},
    "unmask": {"support", "approver", "auditor"},
    "audit": {"auditor"},
    "people": {"admin"},
}


@pytest.mark.parametrize("capability", TABLE)
def test_the_role_table_is_as_decided(capability):
    assert {role.value for role in Role if capability in CAPABILITIES[role]} == TABLE[capability]


def test_the_table_holds_no_other_capability():
    assert set().union(*CAPABILITIES.values()) == set(TABLE)


def test_two_roles_give_what_either_gives():
    assert capabilities(["manager", "admin"]) >= {"read", "people", "signed_in"}


def test_without_a_role_there_are_ones_own_settings_only():
    assert capabilities([]) == {"public", "signed_in"}


@pytest.mark.parametrize("other", ["support", "approver"])
def test_admin_stands_apart(other):
    assert not are_apart(["admin", other])


def test_admin_may_be_a_manager_too():
    assert are_apart(["admin", "manager"])


def test_a_refusal_can_name_who_may():
    assert roles_for(("decide", "thaw")) == [Role.APPROVER]
