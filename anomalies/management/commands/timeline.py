import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from anomalies.management.commands.explain import subjects_named
from anomalies.subjects import Subject, found_in
from anomalies.terminal import named_system
from anomalies.timeline import Step, as_json, steps, timeline
from billingadmin.amounts import Amount
from billingadmin.usage import Verb
from systems.base import System
from systems.reading import SourceUnavailable, reading


class Command(Verb):
    help = "Everything known about a subject in order of time, with the steps that should be there and are not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("subject", metavar="SUBJECT")
        parser.add_argument("--json", action="store_true", help="one JSON object an event on standard output")

    def handle(self, *, slug: str, subject: str, json: bool, **options: Any) -> None:
        system, now = named_system(slug), timezone.now()
        subjects = subjects_named(system, subject)
        told = self.ask(system, subjects, now)
        for step in told:
            self.stdout.write(_line(step) if json else _text(step))
        if not told:
            self.stderr.write(f"Nothing is known of “{subject}” in {system.slug}.")

    def ask(self, system: System, subjects: list[Subject], now: datetime) -> list[Step]:
        try:
            with reading(system, now=now) as source:
                known = (found_in(source, subjects) or subjects)[0]
                return steps(timeline(system, source, known.kind.slug, known.id, now))
        except SourceUnavailable as error:
            raise CommandError(f"{error} {error.remedy}") from None


def _line(step: Step) -> str:
    return json.dumps(as_json(step), ensure_ascii=False)


def _text(step: Step) -> str:
    told, event = as_json(step), step.event
    at = f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if event.at else "no time"
    title = f"[missing] {event.title}" if event.ghost else str(event.title)
    amount = f"  {Amount(event.amount, event.unit or '')}" if event.amount is not None else ""
    details = ", ".join(f"{name} {value}" for name, value in told["details"].items() if value not in (None, ""))
    marks = "".join(f"  ! {mark}" for mark in told["marks"])
    return f"{at:<20}{event.kind:<12}{title}{amount}{'  · ' + details if details else ''}{marks}"
