"""The tones and the apps' own choices know the same words."""

import pytest
from django.apps import apps

from accounts.roles import Role
from billingadmin.tones import LEVELS, ROLES, SEVERITIES, STATES
from systems.base import Level, Severity, Verdict

STATEFUL = {"state", "presence", "decision", "verdict", "outcome"}
FIELDS = [
    field
    for model in apps.get_models()
    if model.__module__.split(".")[0] in {"accounts", "adjustments", "anomalies", "audit", "health", "jobs", "systems"}
    for field in model._meta.fields
    if field.name in STATEFUL and field.choices
]


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_every_state_has_a_tone(field):
    assert not {value for value, _label in field.flatchoices} - STATES.keys()


def test_levels_severities_verdicts_and_roles_are_all_known():
    assert set(Level.values) == LEVELS.keys()
    assert set(Severity.values) == SEVERITIES.keys()
    assert set(Role.values) == ROLES.keys()
    assert set(Verdict.values) <= STATES.keys()
