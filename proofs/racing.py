"""Actors who start together. Each is a process of its own, so that they really are at it at once, and not by turns of
one interpreter; each keeps connections of its own open from one race to the next."""

import multiprocessing
import os
import random
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from django.db import connections

FORK = multiprocessing.get_context("fork")  # what was planted in this process is planted in the actors too
PATIENCE = 60  # seconds, for whoever has died or hangs
LATE = 0.004  # seconds at most that an actor is behind the start: more orders of events than one

DONE = "done"


@dataclass(frozen=True)
class Answer:
    """``DONE``, or the name of what was raised, and what was said."""

    kind: str
    text: str


class Crew:
    """Each actor is a function of a track (what the race is about). Make the crew when all that it needs is there:
    the actors are copies of this process as it is then."""

    def __init__(self, *actors: Callable[[Any], Any], seed: int = 0) -> None:
        self._start = FORK.Barrier(len(actors))
        self._lines: list[Connection] = []
        self._members = []
        for place, actor in enumerate(actors):
            ours, theirs = FORK.Pipe()
            member = FORK.Process(target=self._act, args=(actor, theirs, f"{seed} {place}"), daemon=True)
            member.start()
            self._lines.append(ours)
            self._members.append(member)

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *raised: object) -> None:
        for line in self._lines:
            line.send(None)
        for member in self._members:
            member.join(PATIENCE)
            member.kill()

    def race(self, tracks: Sequence[Any]) -> list[tuple[Answer, ...]]:
        """For each track, what each actor was answered; on each all of them start together."""
        return list(zip(*self._run(tracks, together=True), strict=True))

    def share(self, tracks: Sequence[Any]) -> list[tuple[Answer, ...]]:
        """The same, each at its own pace."""
        return list(zip(*self._run(tracks, together=False), strict=True))

    def _run(self, tracks: Sequence[Any], *, together: bool) -> list[list[Answer]]:
        for line in self._lines:
            line.send((list(tracks), together))
        return [self._heard(line, member) for line, member in zip(self._lines, self._members, strict=True)]

    def _heard(self, line: Connection, member: Any) -> list[Answer]:
        while not line.poll(1):
            if not member.is_alive():
                raise RuntimeError(f"An actor ended with {member.exitcode} in the middle of a race.")
        return line.recv()

    def _act(self, actor: Callable[[Any], Any], line: Connection, seed: str) -> None:
        """In the actor's process."""
        forget_connections()
        chance, parent = random.Random(seed), os.getppid()
        while told := _hear(line, parent):
            tracks, together = told
            line.send([self._try(actor, track, chance if together else None) for track in tracks])
        sys.stdout.flush()

    def _try(self, actor: Callable[[Any], Any], track: Any, chance: random.Random | None) -> Answer:
        if chance:
            behind = chance.choice((0, chance.uniform(0, LATE)))
            self._start.wait(PATIENCE)
            time.sleep(behind)
        try:
            return Answer(DONE, str(actor(track)))
        except Exception as raised:
            told = str(raised) or traceback.format_exc()
            return Answer(type(raised).__name__, told)


def forget_connections() -> None:
    """After a fork: those of the parent go on being the parent's, this process opens its own."""
    for connection in connections.all(initialized_only=True):
        connection.connection = None


def _hear(line: Connection, parent: int) -> Any:
    while not line.poll(1):
        if os.getppid() != parent:
            os._exit(1)
    try:
        return line.recv()
    except EOFError:
        return None
