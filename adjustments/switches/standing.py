"""How a switch stands: what it is set to, what is effective, who reviews it, what is wrong. From stored rows alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.utils.translation import gettext as _

from adjustments.switches.models import Flip, FlipState, Sight
from systems.base import ConsoleValue, Level, Switch, System

GRACE = timedelta(minutes=5)  # for flipping back by itself
OLD = timedelta(minutes=20)  # a sight is taken every five minutes


def value_of(system: str, switch: Switch) -> str:
    """The value that the console keeps, for whoever obeys it."""
    latest = Flip.objects.of(system, switch.code).done().newest_first().first()
    return latest.value if latest else switch.backend.default


@dataclass(frozen=True, kw_only=True)
class Standing:
    system: System
    switch: Switch
    flips: Sequence[Flip]  # the newest first
    sight: Sight | None
    now: datetime

    @cached_property
    def latest(self) -> Flip | None:
        return self.flips[0] if self.flips else None

    @cached_property
    def set_by(self) -> Flip | None:
        """The flip whose value should hold."""
        return next((flip for flip in self.flips if flip.state == FlipState.DONE), None)

    @property
    def is_console(self) -> bool:
        return isinstance(self.switch.backend, ConsoleValue)

    @property
    def effective(self) -> str | None:
        if self.is_console:
            return self.set_by.value if self.set_by else self.switch.backend.default
        return self.sight.value if self.sight else None

    @property
    def effective_label(self) -> str:
        """What is read back may be another word than what was set."""
        if self.set_by and self.switch.holds(self.set_by.value, self.effective):
            return str(self.switch.label(self.set_by.value))
        return str(self.switch.label(self.effective))

    @property
    def at_work(self) -> Flip | None:
        return self.latest if self.latest and self.latest.is_at_work else None

    @property
    def is_unknown(self) -> bool:
        return bool(self.latest and self.latest.state == FlipState.UNKNOWN)

    @property
    def drifts(self) -> bool:
        """Somebody else has set it: what is effective is not what the console last set."""
        told = self.set_by and not self.is_console and self.effective is not None and not self.at_work
        return bool(told and not self.switch.holds(self.set_by.value, self.effective))

    @property
    def due_back(self) -> datetime | None:
        """Until when the value that holds was set."""
        return self.set_by.until if self.set_by and not self.drifts else None

    @property
    def is_late(self) -> bool:
        """Its “until” has passed, and it still holds."""
        grace = GRACE if self.switch.returns else timedelta()
        return self.due_back is not None and self.due_back + grace <= self.now

    @cached_property
    def to_review(self) -> list[Flip]:
        return [flip for flip in self.flips if flip.needs_review]

    @property
    def overdue(self) -> list[Flip]:
        return [flip for flip in self.to_review if flip.is_overdue(self.now)]

    @property
    def cannot_be_told(self) -> bool:
        if self.is_console:
            return False
        return self.sight is None or self.sight.value is None or self.now - self.sight.looked_at > OLD

    @property
    def level(self) -> Level:
        if self.overdue or self.is_late:
            return Level.CRITICAL
        if self.drifts or self.is_unknown:
            return Level.WARNING
        return Level.UNKNOWN if self.cannot_be_told else Level.OK

    @property
    def why(self) -> str:
        """One sentence, the worst there is to say."""
        if self.overdue:
            return _("Nobody has reviewed in a day that it was set to “%s”.") % self.switch.label(
                self.overdue[-1].value
            )
        if self.is_late:
            return _("It was to be set back by %s UTC and is not.") % f"{self.due_back:%Y-%m-%d %H:%M}"
        if self.drifts:
            told = {"effective": self.effective_label, "set": self.switch.label(self.set_by.value)}
            return _("It is “%(effective)s”; the console set it to “%(set)s”.") % told
        if self.is_unknown:
            return _("What came of the last flip is not known yet.")
        if self.cannot_be_told:
            return self.sight.why if self.sight and self.sight.why else _("Nobody has read it back lately.")
        return _("It is “%s”.") % self.effective_label


def standing(system: System, switch: Switch, now: datetime, *, last: int = 50) -> Standing:
    flips = Flip.objects.of(system.slug, switch.code).newest_first().select_related("flipped_by", "review__reviewer")
    sight = Sight.objects.filter(system=system.slug, switch=switch.code).first()
    return Standing(system=system, switch=switch, flips=list(flips[:last]), sight=sight, now=now)


def standings(system: System, now: datetime) -> Mapping[str, Standing]:
    """Of all switches of a system, by code, in two queries: of the flips, those by which each stands."""
    if not system.switches:
        return {}
    flips, sights = list(Flip.objects.telling(system.slug)), Sight.objects.filter(system=system.slug)
    seen = {sight.switch: sight for sight in sights}
    return {
        switch.code: Standing(
            system=system,
            switch=switch,
            flips=[flip for flip in flips if flip.switch == switch.code],
            sight=seen.get(switch.code),
            now=now,
        )
        for switch in system.switches
    }
