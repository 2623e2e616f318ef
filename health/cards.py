"""The page of today: one card a system, with its worst level and the sentence that explains it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from health.boards import RANK, Board, boards, worst
from health.contributions import Figure, figures, leveled
from systems import registry
from systems.base import Level


@dataclass(frozen=True)
class Card:
    board: Board
    figures: Sequence[Figure]

    @property
    def level(self) -> Level:
        return worst([self.board.level, *(figure.level for figure in leveled(self.figures))])

    @property
    def sentence(self) -> str:
        """Why the level is what it is, by the worst there is; a reading goes before a figure of the same level."""
        alarming = [figure for figure in leveled(self.figures) if figure.level == self.level]
        if alarming and RANK.index(self.level) > RANK.index(self.board.level):
            return f"{alarming[0].label}: {alarming[0].note or alarming[0].value}"
        return _of_readings(self.board)


def _of_readings(board: Board) -> str:
    if not board.is_connected:
        return _("Not connected: nothing is known of it.")
    if not board.standings:
        return _("No probe watches it.")
    if not board.troubles:
        count = len(board.standings)
        return ngettext("Its %(count)d reading is ok.", "All %(count)d readings are ok.", count) % {"count": count}
    return f"{board.troubles[0].probe.title}: {board.troubles[0].why}"


def cards(now: datetime) -> tuple[list[Card], list[str]]:
    """A card for each system, the worst first among those that are connected, and who failed to contribute."""
    given = figures(now)
    found = [Card(board, given.given[board.system.slug]) for board in boards(registry.all_systems(), now)]
    found.sort(key=lambda card: (card.board.is_connected, RANK.index(card.level)), reverse=True)
    return found, given.missing
