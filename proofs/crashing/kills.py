"""One kill after another, at a named point or at any moment; then one run of recovery, and nothing may be missing."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field

from adjustments.models import Adjustment
from adjustments.states import State
from jobs.tests.worker import work_off
from proofs.crashing import deaths, stage
from proofs.crashing.deaths import DECIDING, POSTING, Doom, Point
from proofs.crashing.doors import FOUND, Door

ENDLESS = 50  # tries to kill at random before the work is done


@dataclass
class Kills:
    """Kills the web process and the worker of a play, and counts what became of it."""

    play: stage.Play
    server: stage.Server
    door: Door
    chance: random.Random
    tally: Counter = field(default_factory=Counter)
    unfinished: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: {"web": 0.08, "worker": 0.25})

    def at(self, point: Point, slug: str) -> None:
        """One death at this point, and one run."""
        adjustment = self.play.taken(slug)
        if point in DECIDING:
            knock = self.door.knock(adjustment, Doom(point))
            died, heard = deaths.was_killed(knock.process), knock.answer()
            self._deciding_was_interrupted(adjustment, died, heard)
        else:
            self.play.approve(adjustment)
            nth = self.chance.randint(1, adjustment.current_lines().count()) if point.each_line else 1
            died = deaths.was_killed(deaths.born(lambda: _worker(Doom(point, nth))))
        self._one_run(adjustment, point.name, died)

    def of_the_web(self, slug: str) -> None:
        """One death at any moment between the request and its answer."""
        adjustment = self.play.taken(slug)
        died = False
        for _ in range(ENDLESS):
            began = time.monotonic()
            knock = self.door.knock(adjustment)
            time.sleep(self.chance.uniform(0, self.seconds["web"]))
            died, heard = deaths.killed(knock.process), knock.answer()
            self._measured("web", died, began)
            if died:
                break
            adjustment = self.play.taken(slug)
        self._deciding_was_interrupted(adjustment, died, heard)
        self._one_run(adjustment, "web, at random", died)

    def of_the_worker(self, slug: str) -> None:
        """One death at any moment of the worker's work."""
        died = False
        for _ in range(ENDLESS):
            adjustment = self.play.taken(slug)
            self.play.approve(adjustment)
            began = time.monotonic()
            process = deaths.born(_worker)
            time.sleep(self.chance.uniform(0, self.seconds["worker"]))
            died = deaths.killed(process)
            self._measured("worker", died, began)
            if died:
                break
        self._one_run(adjustment, "worker, at random", died)

    def _measured(self, what: str, died: bool, began: float) -> None:
        """Deaths should come all through the work, and rarely after it."""
        spent = time.monotonic() - began
        self.seconds[what] = self.seconds[what] * 1.02 if died else min(self.seconds[what], spent) * 0.95

    def _approve(self, adjustment: Adjustment) -> None:
        knock = self.door.knock(adjustment)
        deaths.was_killed(knock.process)
        if knock.answer() != FOUND:
            raise RuntimeError("an approval that nobody disturbed was refused")

    def _deciding_was_interrupted(self, adjustment: Adjustment, died: bool, heard: int | None) -> None:
        """What was acknowledged is there; who heard nothing tries again, as people do."""
        self.server.bury()
        adjustment.refresh_from_db()
        if heard == FOUND and adjustment.state == State.PENDING:
            self.unfinished.append(f"#{adjustment.number}: acknowledged, and lost")
        if died:
            self._approve(adjustment)

    def _one_run(self, adjustment: Adjustment, where: str, died: bool) -> None:
        self.tally[where] += died
        self.server.bury()
        stage.one_run()
        adjustment.refresh_from_db()
        if adjustment.state != State.APPLIED:
            self.unfinished.append(f"#{adjustment.number} is {adjustment.state} after a death {where}")

    def at_every_point(self, number: int) -> None:
        for place, point in enumerate(DECIDING + POSTING):
            self.at(point, stage.LEDGERS[(number + place) % 2])

    def at_random(self, number: int) -> None:
        kill = self.of_the_web if number % 4 == 0 else self.of_the_worker
        kill(stage.LEDGERS[number // 2 % 2])

    def shortcomings(self) -> Counter:
        """Over both ledgers."""
        found: Counter = Counter()
        for slug in stage.LEDGERS:
            found.update(stage.shortcomings(slug))
        return found


def _worker(doom: Doom | None = None) -> None:
    if doom:
        deaths.doomed(doom)
    work_off("apply")
