import json
import logging
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from anomalies.detection import detect
from anomalies.explanation import instant
from anomalies.jobs import sentence
from anomalies.models.runs import RunState
from anomalies.runs import AlreadyRunning
from anomalies.spans import NotAMoment, moment
from anomalies.terminal import Bar, named_systems
from audit.commands import operator
from billingadmin.usage import Verb, WrongUsage
from systems.base import Finding, System

logger = logging.getLogger(__name__)


class Command(Verb):
    help = "Looks for anomalies: since the last run, in the window given, or in all history."
    read_on = True  # until whoever reads the output has enough

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "slugs", nargs="*", metavar="SLUG", help="a system; all that are connected when none is named"
        )
        parser.add_argument("--since", metavar="T", help="start of the window (inside): ISO 8601, or an age such as 2h")
        parser.add_argument("--until", metavar="T", help="end of the window (outside); without --since from the start")
        parser.add_argument("--all", action="store_true", dest="whole", help="the whole history")
        parser.add_argument("--dry-run", action="store_true", help="tell, and keep nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object a finding on standard output")

    def handle(self, *, slugs: list[str], since: str | None, until: str | None, **options: Any) -> None:
        now = timezone.now()
        window = {"since": _moment(since, now), "until": _moment(until, now), "whole": options["whole"]}
        _refuse_odd(window, now)
        systems = named_systems(slugs)
        failed = [system.slug for system in systems if not self.run(system, now, window, options)]
        if failed:
            raise CommandError(f"Detection failed for {', '.join(failed)}.")

    def run(self, system: System, now: datetime, window: dict[str, Any], options: dict[str, Any]) -> bool:
        words = self.stderr if options["json"] else self.stdout
        bar = Bar(self.stderr, system.slug)
        try:
            run = detect(
                system,
                now=now,
                **window,
                dry_run=options["dry_run"],
                actor=operator("detect"),
                progress=bar.show,
                **({"report": self.print} if options["json"] else {}),
            )
        except AlreadyRunning as busy:
            self.stderr.write(str(busy))
            return False
        except Exception as error:  # one system's misfortune stops no other
            logger.exception("Detection of %s failed.", system.slug)
            self.stderr.write(f"{system.slug}: {type(error).__name__}: {error}")
            return False
        finally:
            bar.end()
        words.write(f"{system.slug}: {sentence(run)}", self.style.NOTICE if run.error else None)
        if run.error:
            self.stderr.write(run.error)
        return run.state != RunState.FAILED

    def print(self, finding: Finding) -> None:
        if self.read_on:
            try:
                self.stdout.write(json.dumps(as_json(finding), ensure_ascii=False))
            except BrokenPipeError:  # whoever read, ``head`` for one, has enough; that is no fault of the rule
                self.read_on = False


def as_json(finding: Finding) -> dict[str, Any]:
    return {
        "system": finding.system,
        "rule": finding.rule,
        "subject": finding.subject,
        "fingerprint": finding.fingerprint,
        "verdict": str(finding.verdict),
        "severity": str(finding.severity),
        "observed_at": instant(finding.observed_at),
        "amount": finding.amount,
        "unit": finding.unit,
        "facts": finding.facts,
    }


def _moment(text: str | None, now: datetime) -> datetime | None:
    try:
        return None if text is None else moment(text, now)
    except NotAMoment as error:
        raise WrongUsage(error) from None


def _refuse_odd(window: dict[str, Any], now: datetime) -> None:
    since, until = window["since"], window["until"]
    if window["whole"] and (since or until):
        raise WrongUsage("--all is the whole history: it takes neither --since nor --until.")
    if since and since >= (until or now):
        end = f"--until {until.isoformat()}" if until else f"now ({now.isoformat()})"
        raise WrongUsage(f"--since {since.isoformat()} is not before {end}.")
