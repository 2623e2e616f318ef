"""The whole examination of the log: the chain, every anchor, and what the rest of the console holds against it.

``settings.AUDIT_CROSS_CHECKS`` names functions without arguments that give discrepancies between the log and the rows
it speaks of, so that the log need not know them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from time import monotonic

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils.module_loading import import_string

from audit import anchors
from audit.models import Verification
from audit.verification import Fault, Finding, Verdict, verify
from audit.verifier.verify_audit_export import SENTENCES

MOST_TOLD = 20


@dataclass(frozen=True, kw_only=True)
class Discrepancy:
    """One thing that the log and the rows do not tell alike. ``position`` is that of the entry, if there is one."""

    what: str  # a code: line_without_entry, entry_without_row …
    target: str  # what it is about, as the log names it
    position: int | None = None
    detail: str = ""
    certain: bool = True  # or else it only keeps us from telling

    def sentence(self) -> str:
        where = f" (position {self.position})" if self.position else ""
        return f"{self.what.replace('_', ' ')}: {self.target}{where}{', ' if self.detail else ''}{self.detail}"


def examine(now: datetime, *, files: Sequence[Path] = (), fast: bool = False) -> Finding:
    """One verdict of all of it, with every anchor that is known."""
    found, damage = anchors.known(list(files))
    finding = verify(anchors=found, now=now, damage=damage, fast=fast)
    if finding.verdict == Verdict.BROKEN or not finding.entries:
        return finding
    return _crossed(finding)


def _crossed(finding: Finding) -> Finding:
    try:
        with transaction.atomic():
            odd = list(discrepancies())
    except DatabaseError as error:
        why = f"The log could not be held against the rows it speaks of: {str(error).strip().splitlines()[0]}."
        return replace(finding, verdict=Verdict.CANNOT_TELL, why=why)
    if wrong := [one for one in odd if one.certain]:
        first = min((one.position for one in wrong if one.position), default=0)
        why = f"{SENTENCES[Fault.UNMATCHED]} {_told(wrong)}"
        return replace(finding, verdict=Verdict.BROKEN, fault=Fault.UNMATCHED, position=first, until=first, why=why)
    if odd:
        why = f"{finding.why} {_told(odd)}".strip()
        return replace(finding, verdict=Verdict.CANNOT_TELL, why=why)
    return finding


def _told(odd: Sequence[Discrepancy]) -> str:
    return f"{len(odd)} in all: {'; '.join(one.sentence() for one in odd[:MOST_TOLD])}."


def discrepancies() -> Iterator[Discrepancy]:
    for path in settings.AUDIT_CROSS_CHECKS:
        yield from import_string(path)()


def keep(now: datetime, *, by: str, fast: bool) -> Finding:
    """Examines, and keeps the verdict for whoever looks later."""
    began = monotonic()
    finding = examine(now, fast=fast)
    Verification.objects.create(
        at=now,
        by=by,
        in_database=fast,
        milliseconds=round((monotonic() - began) * 1000),
        verdict=finding.verdict,
        finding=finding.as_dict(),
    )
    return finding
