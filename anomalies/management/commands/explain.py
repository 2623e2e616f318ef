import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from anomalies.explanation import Condition, RuleExplanation, explain
from anomalies.subjects import Subject, readings_of
from anomalies.terminal import named_system
from billingadmin.usage import Verb, WrongUsage
from systems.base import System
from systems.reading import Questions, SourceUnavailable, reading

MARKS = {True: "✓", False: "✗"}


class Command(Verb):
    help = "Every rule about a subject, each condition with what was observed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("subject", metavar="SUBJECT")
        parser.add_argument("--json", action="store_true", help="one JSON object a rule on standard output")

    def handle(self, *, slug: str, subject: str, json: bool, **options: Any) -> None:
        system = named_system(slug)
        subjects = subjects_named(system, subject)
        try:
            with reading(system, now=timezone.now()) as source:
                told = every_rule(system, source, subjects)
        except SourceUnavailable as error:
            raise CommandError(f"{error} {error.remedy}") from None
        for explanation in told:
            self.stdout.write(_line(system, explanation) if json else _text(explanation))
        if any(explanation.error for explanation in told):
            raise CommandError("A rule could not be asked.")


def subjects_named(system: System, text: str) -> list[Subject]:
    if subjects := readings_of(system, text):
        return subjects
    kinds = ", ".join(kind.slug for kind in system.subjects)
    raise WrongUsage(f"“{text}” is no identifier that {system.slug} knows: {kinds}.")


def every_rule(system: System, source: Questions, subjects: list[Subject]) -> list[RuleExplanation]:
    """Every rule of the room, in its order. One about another kind of thing is asked by what the text can be of it."""
    told = {e.rule.code: e for subject in subjects for e in explain(system, source, subject.kind.slug, subject.id)}
    others = (
        RuleExplanation(rule=rule, kind=system.facts_of(rule).kind, subject=subjects[0].id) for rule in system.rules
    )
    return [told.get(other.rule.code, other) for other in others]


def _line(system: System, explanation: RuleExplanation) -> str:
    return json.dumps({"system": system.slug, **explanation.as_json()}, ensure_ascii=False)


def _text(explanation: RuleExplanation) -> str:
    heading = f"{explanation.rule.code} ({explanation.rule.title})"
    if explanation.error:
        return f"{heading}\n  could not be asked: {explanation.error}"
    if not explanation.cases:
        return f"{heading}\n  nothing is known of such a {explanation.kind}"
    return "\n".join([heading, *(_case(case) for case in explanation.cases)])


def _case(case: Any) -> str:
    judged = str(case.verdict) if case.holds else "no anomaly"
    return "\n".join([f"  {judged}", *(_condition(condition) for condition in case.conditions)])


def _condition(condition: Condition) -> str:
    wanted = "" if condition.role == "condition" else f" [{condition.role}]"
    said = "yes" if condition.observed else "no"
    needed = "yes" if condition.wanted else "no"
    return f"    {MARKS[condition.met]} {condition.sentence} {said} (the rule wants {needed}){wanted}"
