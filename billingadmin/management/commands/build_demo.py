from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from anomalies.terminal import Bar
from billingadmin import demo
from billingadmin.usage import Verb


class Command(Verb):
    help = "Builds the demo: sources, people, anomalies, readings. Does nothing when it is built."

    def handle(self, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This console is not the demo's: it has a database or a system of its own.")
        bar = Bar(self.stderr, "demo")
        try:
            demo.build(timezone.now(), say=self.say, progress=bar.show)
        finally:
            bar.end()

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
