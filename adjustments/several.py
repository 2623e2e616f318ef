"""What a request about many things is made of: anomalies ticked in the queue, all that a filter shows, or a file."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.http import QueryDict
from django.utils.translation import gettext as _

from adjustments import drafting, spreadsheet
from adjustments.drafting import Asked, LeftOut, Target, Undraftable
from adjustments.spreadsheet import SheetRow
from anomalies import queue
from anomalies.filters import QueueForm
from anomalies.models import Anomaly
from systems import registry
from systems.base import Correction, CorrectionKind, NotOffered, System


@dataclass(frozen=True)
class Offer:
    """A correction that answers some of what was chosen."""

    system: System
    correction: Correction
    count: int

    @property
    def code(self) -> str:
        return f"{self.system.slug}:{self.correction.code}"


def chosen(numbers: Iterable[str]) -> list[Anomaly]:
    """In the order of their numbers; what is no number is left out."""
    wanted = {int(number) for number in numbers if number.isdecimal() and len(number) < 19}
    return list(Anomaly.objects.filter(pk__in=sorted(wanted)[: drafting.MOST_LINES]).order_by("pk"))


def matching(address: str, person: Any, now: datetime) -> list[Anomaly]:
    """All that the queue shows at this address, in its order, as far as one request may hold them."""
    cells = queue.cells()
    form = QueueForm(QueryDict(urlsplit(address).query), cells=cells)
    page = queue.page(form.wanted(person, now), form.chosen_order, cells, size=drafting.MOST_LINES)
    return list(page.rows)


def offers(anomalies: Sequence[Anomaly]) -> list[Offer]:
    """What could answer them, the correction for the most of them first."""
    alike = Counter((one.system, one.rule, one.subject_kind) for one in anomalies)
    found = []
    for slug in sorted({system for system, _rule, _kind in alike}):
        system = _system(slug)
        for correction in postings(system) if system else ():
            count = sum(
                number
                for (of, rule, kind), number in alike.items()
                if of == slug and rule in correction.answers and kind == correction.subject_kind
            )
            found += [Offer(system, correction, count)] if count else []
    return sorted(found, key=lambda offer: -offer.count)


def every_offer() -> list[Offer]:
    return [Offer(system, one, 0) for system in registry.all_systems() for one in postings(system)]


def postings(system: System) -> list[Correction]:
    return [one for one in system.corrections if one.kind == CorrectionKind.POSTING]


def _system(slug: str) -> System | None:
    try:
        return registry.get(slug)
    except registry.UnknownSystem:
        return None


def offered(code: str) -> Offer:
    slug, _colon, name = code.partition(":")
    try:
        system = registry.get(slug)
        return Offer(system, system.correction(name), 0)
    except (registry.UnknownSystem, NotOffered):
        raise Undraftable(_("Choose a correction.")) from None


def of_anomalies(offer: Offer, anomalies: Sequence[Anomaly]) -> Target:
    """Those that the correction does not answer are left out, and said."""
    target = drafting.for_anomalies(anomalies, offer.correction.code, system=offer.system)
    asked = {one.anomaly.pk for one in target.asked}
    why = _("“%s” does not answer this anomaly.") % offer.correction.title
    others = [LeftOut(subject=one.subject, why=why, anomaly=one) for one in anomalies if one.pk not in asked]
    return replace(target, left_out=others)


def of_file(offer: Offer, text: str) -> Target:
    names = ["subject", offer.correction.particulars[0], f"{offer.correction.subject_kind}_id"]
    read = spreadsheet.rows(text, names=names, unit=offer.correction.unit)
    known = {row.number: _recognised(offer, row.subject) for row in read}
    good = [row for row in read if not row.why and known[row.number]]
    asked = drafting.of_subjects(offer.system, offer.correction, [known[row.number] for row in good])
    left_out = [_left_out(offer, row) for row in read if row.why or not known[row.number]]
    if not asked:
        raise Undraftable(left_out[0].why)
    named = [_as_written(one, row) for one, row in zip(asked, good, strict=True)]
    return Target(system=offer.system, correction=offer.correction, asked=named, left_out=left_out)


def _as_written(asked: Asked, row: SheetRow) -> Asked:
    return replace(asked, amount=row.amount, row=row.number)


def _recognised(offer: Offer, text: str) -> str | None:
    """The canonical id, None for what cannot be one."""
    kinds = [kind for kind in offer.system.subjects if kind.slug == offer.correction.subject_kind]
    return kinds[0].recognise(text) if kinds else text


def _left_out(offer: Offer, row: SheetRow) -> LeftOut:
    why = row.why or _("“%s” is no identifier of this kind.") % row.subject[:80]
    return LeftOut(subject=row.subject[:80], why=why, row=row.number)
