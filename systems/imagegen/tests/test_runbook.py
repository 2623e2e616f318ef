"""The runbook stands on what the room offers."""

import pytest

from systems.imagegen.pages import PAGES
from systems.imagegen.runbook import RUNBOOK
from systems.imagegen.system import SYSTEM

STEPS = [step for routine in RUNBOOK.routines for step in routine.steps]
STEPS += [step for steps in RUNBOOK.triage.values() for step in steps]


def test_every_rule_has_a_triage_and_every_triage_a_rule():
    assert RUNBOOK.triage.keys() == {rule.code for rule in SYSTEM.rules}


@pytest.mark.parametrize("code", sorted(RUNBOOK.triage))
def test_a_triage_ends_with_a_decision_and_repeats_no_step(code):
    codes = [step.code for step in RUNBOOK.triage[code]]

    assert codes[-1] == "decide"
    assert len(codes) == len(set(codes))


def test_every_probe_a_step_names_is_offered():
    offered = {probe.code for probe in SYSTEM.probes}

    assert {step.probe for step in STEPS if step.probe} <= offered


def test_every_page_of_ours_a_step_names_is_offered():
    ours = {step.page for step in STEPS if step.page and not step.page.startswith("/")}

    assert ours <= {page.path for page in PAGES}


def test_every_reading_round_a_deployment_is_part_of_a_routine():
    asked = {step.probe for step in STEPS}

    for probe in SYSTEM.probes:
        if probe.source.startswith(("Pre-Deploy", "Post-Deploy")):
            assert probe.code in asked
