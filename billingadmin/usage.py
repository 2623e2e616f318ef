"""Commands whose wrong usage ends in one line and exit code 2, like any other tool of the house."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.dispatch import Signal

WRONG_USAGE = 2
# A command changes a source. The audit log listens: a room, which may not know the log, announces, and is recorded.
source_changed = Signal()


class WrongUsage(CommandError):
    """The command was called wrongly; the text says how it is called rightly."""

    def __init__(self, message: object) -> None:
        super().__init__(message, returncode=WRONG_USAGE)


class Verb(BaseCommand):
    """A command that is a verb: parses, makes one call with the time it is, says one sentence."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)

        def error(message: str) -> None:
            if self._called_from_command_line:
                parser.exit(WRONG_USAGE, f"{parser.prog}: {message}\n")
            raise WrongUsage(message)

        parser.error = error
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """A refusal is one sentence. A reader that has enough, as ``head`` has after its lines, is no failure."""
        try:
            return super().execute(*args, **options)
        except CommandError as refusal:
            if not self._called_from_command_line or options.get("traceback"):
                raise
            self.stderr.write(str(refusal))
            sys.exit(refusal.returncode)
        except BrokenPipeError:
            # What is still in the buffer would complain once more when the process ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None

    def announce(self, action: str, slug: str, *, outcome: str = "done", **metadata: Any) -> None:
        """Has what this command does to a source recorded, under the name of whoever runs it. What cannot be recorded
        must not happen: call it before the source commits, and let what it raises pass."""
        command = type(self).__module__.rpartition(".")[2]
        source_changed.send(type(self), command=command, action=action, slug=slug, outcome=outcome, metadata=metadata)
