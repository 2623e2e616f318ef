"""Who lost their last second factor decides about nothing until there is another: the database says so by itself."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import connections

from accounts.factories import enrolled
from adjustments.freezes import freezing
from adjustments.freezes.models import Scope
from adjustments.policies import changes
from adjustments.policies.models import PolicyRule
from adjustments.tests.test_guards import DECIDE, decide, decision, refused

pytestmark = pytest.mark.django_db

RULE = "decision_with_second_factor"
DECIDED = "state = 'confirmed', decided_by_id = %s, decided_at = now() where id = %s"


def lose_it(person):
    Authenticator.objects.filter(user=person).exclude(type=Authenticator.Type.RECOVERY_CODES).delete()


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_nobody_decides_without_one(pending, approver, verdict):
    lose_it(approver)

    refused(RULE, DECIDE, *decision(pending, approver, verdict, "why"))


def test_recovery_codes_alone_are_not_enough(pending, approver):
    lose_it(approver)
    RecoveryCodes.activate(approver)

    refused(RULE, DECIDE, *decision(pending, approver))


def test_with_another_one_the_decision_stands(pending, approver):
    lose_it(approver)
    enrolled(approver)

    decide(approver, *decision(pending, approver))


def test_the_refused_decision_uses_up_no_proof(pending, approver):
    lose_it(approver)
    refused(RULE, DECIDE, *decision(pending, approver))

    with connections["default"].cursor() as cursor:
        cursor.execute("select count(*) from accounts_stepup where person_id = %s and used_at is null", [approver.pk])
        assert cursor.fetchone() == (1,)


def test_nobody_lifts_a_freeze_without_one(approver, second_approver, support, now):
    frozen = freezing.freeze(scope=Scope(), person=support, reason="The prices look wrong.", now=now)
    thaw = freezing.ask(freeze=frozen, person=approver, reason="They are right again.", now=now)
    lose_it(second_approver)

    refused(RULE, f"update adjustments_thaw set {DECIDED}", second_approver.pk, thaw.pk)


def test_nobody_confirms_a_policy_without_one(admin, second_admin, now):
    terms = {**PolicyRule.objects.get().terms, "reason_length": 2}
    asked = changes.ask(kind="change", terms=terms, reason="A tighter one.", by=admin, now=now)
    lose_it(second_admin)

    refused(RULE, f"update adjustments_policychange set {DECIDED}", second_admin.pk, asked.pk)
