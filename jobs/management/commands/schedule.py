from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from billingadmin.usage import Verb
from jobs import crontab


class Command(Verb):
    help = "Lets cron run the jobs: “schedule install”, “schedule show”, “schedule remove”. Only for this account."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["install", "show", "remove"])

    def handle(self, *, action: str, **options: Any) -> None:
        try:
            {"install": self.install, "show": self.show, "remove": self.remove}[action]()
        except crontab.CannotSchedule as refusal:
            raise CommandError(refusal) from None

    def install(self) -> None:
        for warning in crontab.install():
            self.stderr.write(f"Warning: {warning}")
        self.stdout.write(f"Cron runs {len(crontab.cronjobs())} jobs.")

    def show(self) -> None:
        lines, stale = crontab.show()
        for line in lines:
            standing = "installed" if line.is_installed else "not installed"
            self.stdout.write(f"{line.cron:<14} {line.name:<32} {standing}")
        if stale:
            self.stdout.write(f"{stale} lines are out of step: “schedule install” mends them.")

    def remove(self) -> None:
        self.stdout.write(f"{crontab.remove()} lines removed.")
