"""What the commands of this app have in common at a terminal."""

from collections.abc import Sequence
from typing import Any

from billingadmin.usage import WrongUsage
from systems import registry
from systems.base import System
from systems.reading import is_connected

WIDTH = 30


def named_systems(slugs: Sequence[str]) -> list[System]:
    """The systems named, each once and in the order given; all that are connected when none is."""
    named = [named_system(slug) for slug in dict.fromkeys(slugs)]
    return named or [system for system in registry.all_systems() if is_connected(system.slug)]


def named_system(slug: str) -> System:
    try:
        return registry.get(slug)
    except registry.UnknownSystem as unknown:
        raise WrongUsage(unknown) from None


class Bar:
    """A progress bar on a terminal; nothing anywhere else."""

    def __init__(self, stream: Any, title: str) -> None:
        self.stream, self.title = stream, title
        self.drawn = False
        self.shows = hasattr(stream, "isatty") and stream.isatty()

    def show(self, what: str, done: int, total: int) -> None:
        if not self.shows or not total:
            return
        filled = WIDTH * done // total
        line = f"\r{self.title} {what} [{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{total}\033[K"
        self.stream.write(line, ending="")
        self.stream.flush()
        self.drawn = True

    def end(self) -> None:
        if self.drawn:
            self.stream.write("\r\033[K", ending="")
