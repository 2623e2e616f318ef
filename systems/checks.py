"""Asks every room, at start-up, whether it keeps the part of the contract that can be seen without its database."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register

from systems import registry
from systems.base import ConsoleValue, System

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*\Z")
# schema.sql and source.sql are read when they are first needed.
MODULES = (
    *("system", "models", "source", "rules", "timeline", "corrections"),
    *("probes", "runbook", "pages", "demo", "factories"),
)


@register(Tags.models)
def rooms_keep_the_contract(app_configs: Iterable[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    return [message for system in registry.all_systems() for message in faults(system)]


def faults(system: System) -> Iterator[CheckMessage]:
    for number, check in enumerate(CHECKS, 1):
        for fault in check(system):
            yield Error(fault, obj=system.slug, id=f"systems.E{number:03}")


def missing_modules(system: System) -> Iterator[str]:
    package = registry.package(system.slug)
    for name in MODULES:
        if find_spec(f"{package}.{name}") is None:
            yield f"{package} has no {name}.py. A room has every file; nothing to offer is an empty tuple."


def repeated_codes(system: System) -> Iterator[str]:
    offered = {
        "facts": [facts.name for facts in system.facts],
        "rule": [rule.code for rule in system.rules],
        "correction": [correction.code for correction in system.corrections],
        "probe": [probe.code for probe in system.probes],
        "subject kind": [kind.slug for kind in system.subjects],
        # A switch has a reading under its own code.
        "switch or probe": [*(switch.code for switch in system.switches), *(probe.code for probe in system.probes)],
    }
    for what, codes in offered.items():
        for code, count in Counter(codes).items():
            if count > 1:
                yield f"The {what} {code} is declared {count} times."


def unsafe_identifiers(system: System) -> Iterator[str]:
    """These names become part of a statement, so nothing but a plain identifier will do."""
    for facts in system.facts:
        for name in (facts.name, facts.subject, facts.by, facts.key_type, facts.subject_type, *facts.booleans):
            if not IDENTIFIER.match(name):
                yield f"{name!r} in the facts {facts.name} is not a plain lower-case identifier."
    for rule in system.rules:
        for name in (rule.code, rule.observed_at, *rule.transactions):
            if not IDENTIFIER.match(name):
                yield f"{name!r} in the rule {rule.code} is not a plain lower-case identifier."


def rules_without_facts(system: System) -> Iterator[str]:
    declared = {facts.name: facts.booleans for facts in system.facts}
    for rule in system.rules:
        if rule.facts not in declared:
            yield f"The rule {rule.code} stands on facts {rule.facts}, which the room does not declare."
            continue
        for name in {*rule.when, *filter(None, (rule.expected, rule.cannot_tell))} - declared[rule.facts].keys():
            yield f"The rule {rule.code} names the boolean {name}, which the facts {rule.facts} do not declare."


def unknown_references(system: System) -> Iterator[str]:
    rules = {rule.code for rule in system.rules}
    kinds = {kind.slug for kind in system.subjects}
    corrections = {correction.code for correction in system.corrections}
    for facts in system.facts:
        if facts.kind not in kinds:
            yield f"The facts {facts.name} are about a {facts.kind}, which is no subject kind of the room."
    for correction in system.corrections:
        for code in set(correction.answers) - rules:
            yield f"The correction {correction.code} answers {code}, which is no rule of the room."
        if correction.reversal and correction.reversal not in corrections:
            yield f"The correction {correction.code} is reversed by {correction.reversal}, which does not exist."
    for code in system.runbook.triage.keys() - rules:
        yield f"The runbook has triage for {code}, which is no rule of the room."


def unusable_switches(system: System) -> Iterator[str]:
    for switch in system.switches:
        if not IDENTIFIER.match(switch.code):
            yield f"{switch.code!r} is the code of a switch and no plain lower-case identifier."
        if not switch.options and not switch.accepts:
            yield f"The switch {switch.code} says nothing of the values it takes."
        default = switch.backend.default if isinstance(switch.backend, ConsoleValue) else None
        if default is not None and switch.taken(default) is None:
            yield f"The switch {switch.code} does not take its own default."


def unknown_probes(system: System) -> Iterator[str]:
    probes = {probe.code for probe in system.probes}
    routines = [step for routine in system.runbook.routines for step in routine.steps]
    for step in [*routines, *(step for steps in system.runbook.triage.values() for step in steps)]:
        if step.probe and step.probe not in probes:
            yield f"The step {step.code} is answered by the probe {step.probe}, which does not exist."


CHECKS: tuple[Callable[[System], Iterator[str]], ...] = (
    missing_modules,
    repeated_codes,
    unsafe_identifiers,
    rules_without_facts,
    unknown_references,
    unknown_probes,
    unusable_switches,
)
