import os
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from billingadmin.usage import Verb, WrongUsage
from jobs import registry, running, slots
from jobs.crontab import RUNNER
from jobs.models import JobRun, RunState
from jobs.registry import Job


class Command(Verb):
    help = "Lists the jobs, or runs one: “job list”, “job run NAME”. A slot that is done is not run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["list", "run"])
        parser.add_argument("name", nargs="?", help="the job to run, as “job list” names it")
        parser.add_argument("--slot", metavar="T", help="run this slot (ISO 8601, UTC unless said otherwise)")

    def handle(self, *, action: str, name: str | None, slot: str | None, **options: Any) -> None:
        now = timezone.now()
        if action == "list":
            if name or slot:
                raise WrongUsage("“job list” takes nothing else.")
            self.list(now)
        elif name is None:
            raise WrongUsage("Which job? “job list” names them.")
        else:
            self.run(_job(name), _slot(slot, now) if slot else None, now)

    def list(self, now: datetime) -> None:
        for job in registry.all_jobs():
            run = JobRun.objects.of(job.name).newest_first().first()
            ran = f"{run.slot:%Y-%m-%d %H:%M} {run.state}" if run else "never ran"
            next_slot = slots.next_slot(job.cron, now)
            self.stdout.write(f"{job.name:<32} {job.cron:<14} next {next_slot:%Y-%m-%d %H:%M}  {ran:<24} {job.what}")

    def run(self, job: Job, slot: datetime | None, now: datetime) -> None:
        by = os.environ.get(RUNNER, "command")
        again = by == "command"  # a person who asks means it; cron does not insist
        runner = running.here(by)
        if slot is None:
            firings = running.fire(job, now=now, runner=runner, again=again)
        else:
            firings = [running.run_slot(job, slot, now=now, runner=runner, again=again)]
        for firing in firings:
            self.stdout.write(_sentence(firing))
        if firings[-1].run.state == RunState.FAILED:
            raise CommandError(f"{job.name} failed.")


def _job(name: str) -> Job:
    try:
        return registry.get(name)
    except registry.UnknownJob as unknown:
        raise WrongUsage(unknown) from None


def _slot(text: str, now: datetime) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise WrongUsage(f"“{text}” is no instant: 2026-11-02T12:07Z is one.")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment > now:
        raise WrongUsage(f"{text} is in the future.")
    return moment


def _sentence(firing: running.Firing) -> str:
    run = firing.run
    before = "" if firing.ran else "not run: "
    said = run.error or run.outcome or f"by {run.runner}"
    return f"{run.name} {run.slot.astimezone(UTC):%Y-%m-%d %H:%M}Z {before}{run.state}. {said}"
