"""No money where a commit may be forgotten or cannot be recorded: one side would have what the other never heard of."""

from collections.abc import Sequence
from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adjustments import ledger
from audit import readiness
from billingadmin import durability
from systems.base import Level, Measurement, Probe, Source, System


def probes(system: System) -> tuple[Probe, ...]:
    return (
        Probe(
            code="durable_commits",
            title=gettext_lazy("Settings by which commits may be lost"),
            unit="settings",
            measure=partial(durable_commits, system),
        ),
        Probe(
            code="recordable",
            title=gettext_lazy("What keeps entries out of the audit log"),
            unit="obstacles",
            measure=recordable,
        ),
    )


def recordable(source: Source) -> Measurement:
    """Without an entry nothing is posted, so this is critical before anybody has missed a posting."""
    if why := readiness.why_not(source.now):
        return Measurement(level=Level.CRITICAL, value=1, why=why)
    return Measurement(level=Level.OK, value=0, why=_("What happens can be recorded."))


def durable_commits(system: System, source: Source) -> Measurement:
    """Of the console's database, and of the ledger as the worker writes it."""
    found = durability.refused(*_aliases(system))
    if not found:
        return Measurement(level=Level.OK, value=0, why=_("What is acknowledged is on disk."))
    settings = [one for ones in found.values() for one in ones]
    why = ngettext(
        "Nothing is posted: %(count)d setting lets commits be lost.",
        "Nothing is posted: %(count)d settings let commits be lost.",
        len(settings),
    ) % {"count": len(settings)}
    labels = {f"{alias} {one}": 1 for alias, ones in found.items() for one in ones}
    return Measurement(level=Level.CRITICAL, value=len(settings), why=why, detail={"labels": labels})


def _aliases(system: System) -> Sequence[str]:
    return ["default", *([ledger.writer_of(system)] if ledger.has_writer(system) else [])]
