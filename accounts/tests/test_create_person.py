import io
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Person
from audit.models import Entry
from billingadmin.usage import WrongUsage

pytestmark = pytest.mark.django_db


def create(*arguments, email="mori@billing.example", name="Chihiro Mori"):
    out = StringIO()
    call_command("create_person", email, name, *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def typed(monkeypatch):
    def give(text):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return give


def test_the_first_admin_of_an_empty_console_can_sign_in():
    said = create("--role", "admin")

    person = Person.objects.get(email="mori@billing.example")
    password = said.partition("Password: ")[2].splitlines()[0]
    assert person.roles == {"admin"}
    assert person.check_password(password)
    assert "Admins still to create before roles can be changed on the People page: 1." in said


def test_the_second_one_completes_the_console():
    create("--role", "admin")

    said = create("--role", "admin", email="grant@billing.example", name="Oliver Grant")

    assert "The console has its two admins" in said


def test_the_second_one_may_hold_another_role_beside():
    create("--role", "admin")

    create("--role", "admin", "--role", "auditor", email="grant@billing.example", name="Oliver Grant")

    assert Person.objects.get(email="grant@billing.example").roles == {"admin", "auditor"}


def test_a_third_one_is_added_by_two_admins(admin, second_admin):
    with pytest.raises(CommandError, match="added on the People page, where a second admin confirms") as refusal:
        create("--role", "support")

    assert refusal.value.returncode == 1
    assert not Person.objects.filter(email="mori@billing.example").exists()


def test_several_roles_can_be_given():
    create("--role", "manager", "--role", "auditor", "--role", "manager")

    assert Person.objects.get().roles == {"manager", "auditor"}


def test_the_password_can_come_from_standard_input(typed):
    typed("a long enough phrase\n")

    said = create("--role", "admin", "--password-stdin")

    assert Person.objects.get().check_password("a long enough phrase")
    assert "Password" not in said


@pytest.mark.parametrize("weak", ["", "short", "password1234", "chihiro mori"])
def test_a_weak_password_is_refused_and_nobody_is_made(typed, weak):
    typed(f"{weak}\n")

    with pytest.raises(CommandError, match="password"):
        create("--role", "admin", "--password-stdin")

    assert not Person.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "--role"),
        (("--role", "emperor"), "emperor"),
        (("--role", "admin", "--colour", "red"), "--colour"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments, sentence):
    with pytest.raises(WrongUsage, match=sentence) as refusal:
        create(*arguments)

    assert refusal.value.returncode == 2
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("email", "name"), [("mori", "Mori"), ("mori@billing.example", "  "), ("", "Mori")])
def test_wrong_words_are_wrong_usage(email, name):
    with pytest.raises(WrongUsage):
        create("--role", "admin", email=email, name=name)


def test_admin_and_approver_are_not_given_together():
    with pytest.raises(CommandError, match="Nobody holds admin together"):
        create("--role", "admin", "--role", "approver")


def test_the_same_address_is_refused():
    create("--role", "admin")

    with pytest.raises(CommandError, match="here already"):
        create("--role", "admin", email="MORI@billing.example")


def test_it_is_recorded():
    create("--role", "admin")

    added, granted = Entry.objects.order_by("position")
    assert (added.action_type, granted.action_type) == ("person_added", "role_added")
    assert added.actor_id == granted.actor_id == "system"
    assert granted.metadata["after"]["role"] == "admin"
    assert "password" not in added.metadata["after"]
