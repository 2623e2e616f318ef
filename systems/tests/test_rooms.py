"""The laws of the contract, over every room there is, on the room's own demo."""

from statistics import median_high

import pytest
from django.db import connections

from systems import facts, registry
from systems.base import Verdict
from systems.reading import reading
from systems.tests.conftest import NOW

ROOMS = [system for system in registry.all_systems() if system.demo]
QUERIED = [(system, one) for system in ROOMS for one in system.facts if not one.compute]
ALL_FACTS = [(system, one) for system in ROOMS for one in system.facts]
ALIASES = ["default", "owner", *(alias for system in ROOMS for alias in (system.slug, f"{system.slug}_writer"))]

pytestmark = pytest.mark.django_db(databases=ALIASES)
SEED = 20261102


def named(pair):
    return f"{pair[0].slug}-{pair[1].name}" if isinstance(pair, tuple) else pair.slug


@pytest.fixture
def filled(pair):
    """Questions to the room of ``pair``, its demo built."""
    system = pair[0] if isinstance(pair, tuple) else pair
    with connections[f"{system.slug}_writer"].cursor() as cursor:
        system.demo.build(cursor, NOW, SEED)
        cursor.execute("analyze")  # a planner that believes the tables empty joins them row by row
    with reading(system, now=NOW, timeout_ms=60_000) as source:
        yield source


@pytest.mark.parametrize("pair", QUERIED, ids=named)
def test_every_law_of_facts_holds(pair, filled):
    system, of = pair
    rows = filled.run(filled.statement(of.name), {"now": NOW})
    rules = [rule for rule in system.rules if rule.facts == of.name]
    found = [facts.judged(system, rule, row) for rule in rules for row in rows if facts.holds(rule, row)]
    held = {finding.fingerprint for finding in found}
    since = median_high(finding.observed_at for finding in found)
    due = {finding.fingerprint for finding in found if finding.observed_at >= since}
    whole = list(facts.findings(system, filled, of, facts.Window()))
    anomalous = {finding.subject for finding in whole}
    touched = {finding.fingerprint for finding in facts.findings(system, filled, of, facts.Window(since=since))}

    assert rows
    booleans_are_never_null(of, rows)
    instants_are_aware(rules, rows)
    assert {finding.fingerprint for finding in whole} == held
    assert {f.fingerprint for f in facts.judge(system, filled, of, sorted(anomalous))} == {f.fingerprint for f in whole}
    assert touched == due


def booleans_are_never_null(of, rows):
    for name in of.booleans:
        assert {type(row[name]) for row in rows} == {bool}, name


def instants_are_aware(rules, rows):
    for rule in rules:
        matching = [row[rule.observed_at] for row in rows if facts.holds(rule, row)]
        assert all(at is not None and at.utcoffset() is not None for at in matching), rule.code


@pytest.mark.parametrize("pair", ALL_FACTS, ids=named)
def test_every_finding_is_whole(pair, filled):
    system, of = pair

    for finding in facts.findings(system, filled, of, facts.Window()):
        assert finding.fingerprint.startswith(f"{system.slug}:{finding.rule}:{finding.subject}")
        assert finding.verdict in Verdict
        assert finding.amount is None or (isinstance(finding.amount, int) and finding.unit)


@pytest.mark.parametrize("pair", ROOMS, ids=named)
def test_every_kind_of_subject_recognises_what_it_names_and_refuses_nonsense(pair, filled):
    for kind in pair.subjects:
        for nonsense in ("", " ", "\x00", "'; drop table x; --", "🂡", "x" * 10_000):
            recognised = kind.recognise(nonsense)
            assert recognised is None or kind.find(filled, recognised) is not None


@pytest.mark.parametrize("pair", ROOMS, ids=named)
def test_every_probe_answers_with_a_level_and_a_reason(pair, filled):
    for probe in pair.probes:
        measurement = probe.measure(filled)
        assert str(measurement.why)
        assert (measurement.value is None) == (measurement.level == "unknown"), probe.code


@pytest.mark.parametrize("pair", ROOMS, ids=named)
def test_every_anomaly_has_a_timeline_and_triage(pair, filled):
    seen = set()
    for of in pair.facts:
        for finding in facts.findings(pair, filled, of, facts.Window()):
            if finding.rule not in seen:
                seen.add(finding.rule)
                assert pair.subject_kind(finding.kind).timeline(filled, finding.subject), finding.rule
    assert seen


CORRECTIONS = [(system, one) for system in registry.all_systems() for one in system.corrections]


@pytest.mark.parametrize("pair", CORRECTIONS, ids=lambda pair: f"{pair[0].slug}-{pair[1].code}")
def test_every_correction_says_how_it_is_taken_back(pair):
    system, correction = pair

    assert bool(correction.reversal) == bool(correction.reverse)
    if correction.reversal:
        assert system.correction(correction.reversal).subject_kind == correction.subject_kind
