"""Whether a line is still what was signed: asked of the source by whoever posts it, with locks."""

from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from adjustments.content import Entry, content_hash, evidence_changes, is_as_signed, settled, signed_lines
from adjustments.drafting import customer_of
from adjustments.models import Adjustment, AdjustmentLine
from systems.base import Correction


class LineRefused(Exception):
    """This line is not posted, for good; the text says why. ``found`` is evidence that is not what was signed."""

    def __init__(self, why: str, found: dict[str, Any] | None = None) -> None:
        super().__init__(why)
        self.found = found


def compare(
    adjustment: Adjustment, line: AdjustmentLine, correction: Correction, cursor: CursorWrapper, *, lock: bool = True
) -> None:
    """What was signed is what there is: the same line, the same facts in the source, the same person's money."""
    evidence = correction.evidence(cursor, line.as_line(), lock)
    if evidence is None:
        raise LineRefused(_("The source no longer has what this rests on."))
    signed = _signed(adjustment.pk, adjustment.content_hash).get(str(line.key), {})
    fresh = settled(evidence)
    customer = customer_of(correction, line.as_line(), fresh) if "customer" in signed else ""
    now = Entry(key=line.key, line=line.as_line(), evidence=fresh, customer=customer)
    if is_as_signed(signed, line.number, now):
        return
    moved = ", ".join(change.name for change in evidence_changes(line.subject, line.evidence, fresh))
    raise LineRefused(_("The source has moved since this was signed: %s") % (moved or _("the line itself")), fresh)


@lru_cache(maxsize=8)
def _signed(pk: UUID, named: str) -> dict[str, dict[str, Any]]:
    """The lines of the content of this hash, read and verified once however many there are; none if it is another."""
    content = Adjustment.objects.values_list("content", flat=True).get(pk=pk)
    return signed_lines(content) if content_hash(content) == named else {}
