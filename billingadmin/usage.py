"""Commands whose wrong usage ends in one line and exit code 2, like any other tool of the house."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

WRONG_USAGE = 2


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
