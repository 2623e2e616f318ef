"""A room that breaks the contract is told so at start-up, by name."""

from dataclasses import replace

import pytest

from systems.checks import faults
from systems.tests.paperclips.system import SYSTEM

RULE, FACTS, CORRECTION = SYSTEM.rules[0], SYSTEM.facts[0], SYSTEM.corrections[0]
STEP = SYSTEM.runbook.routines[0].steps[0]
ROUTINE = SYSTEM.runbook.routines[0]


def said(system):
    return [message.msg for message in faults(system)]


def test_the_made_up_room_keeps_the_contract():
    assert said(SYSTEM) == []


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (replace(SYSTEM, rules=(RULE, RULE)), "The rule shipped_unpaid is declared 2 times."),
        (replace(SYSTEM, rules=(replace(RULE, facts="nothing"),)), "stands on facts nothing"),
        (replace(SYSTEM, rules=(replace(RULE, when={"shiped": True}),)), "names the boolean shiped"),
        (replace(SYSTEM, rules=(replace(RULE, expected="free"),)), "names the boolean free"),
        (replace(SYSTEM, rules=(replace(RULE, observed_at="at; drop table orders"),)), "not a plain lower-case"),
        (replace(SYSTEM, facts=(replace(FACTS, kind="crate"), SYSTEM.facts[1])), "no subject kind"),
        (replace(SYSTEM, corrections=(replace(CORRECTION, answers=("gone",)),)), "answers gone"),
        (replace(SYSTEM, corrections=(replace(CORRECTION, reversal="undo"),)), "reversed by undo"),
        (
            replace(
                SYSTEM,
                runbook=replace(SYSTEM.runbook, routines=(replace(ROUTINE, steps=(replace(STEP, probe="x"),)),)),
            ),
            "answered by the probe x",
        ),
    ],
)
def test_a_broken_promise_is_named(broken, fault):
    assert any(fault in message for message in said(broken))
