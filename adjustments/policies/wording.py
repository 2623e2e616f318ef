"""Rules in the reader's words: where they hold, what they ask, and what a change of them would alter."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from adjustments.policies.models import CAPS, TERMS, Kind, PolicyChange, Terms
from adjustments.wording import correction_title, label_of
from anomalies.rooms import system_of
from billingadmin.amounts import Amount
from billingadmin.templatetags.console import duration
from systems.base import NotOffered

LABELS = {
    "approvals": gettext_lazy("Approvals"),
    "line_cap": gettext_lazy("A line moves at most"),
    "proposer_cap": gettext_lazy("One proposer, in 24 hours"),
    "approver_cap": gettext_lazy("One approver, in 24 hours"),
    "customer_cap": gettext_lazy("One customer, in 24 hours"),
    "total_cap": gettext_lazy("In all, in 24 hours"),
    "approve_within": gettext_lazy("Time to approve"),
    "apply_within": gettext_lazy("Time to apply"),
    "notice": gettext_lazy("Notice before a deadline"),
    "approver_reason": gettext_lazy("The approver says why"),
    "reason_length": gettext_lazy("The proposer's reason"),
}
TITLES = {
    Kind.ADD: gettext_lazy("A rule of its own: %(place)s"),
    Kind.CHANGE: gettext_lazy("Another rule: %(place)s"),
    Kind.RETIRE: gettext_lazy("No rule of its own any more: %(place)s"),
}


@dataclass(frozen=True)
class Term:
    """``before`` is empty where there was no rule."""

    label: str
    before: str
    after: str


def unit_of(system: str, correction: str = "") -> str:
    """What the amounts of a rule count; nothing where no system is named."""
    room = system_of(system)
    if not room:
        return ""
    try:
        return room.correction(correction).unit if correction else room.unit
    except NotOffered:
        return room.unit


def place_words(terms: Terms) -> str:
    if not terms.system:
        return _("everything else")
    where = correction_title(terms.system, terms.correction) if terms.correction else _("every correction")
    told = {"system": label_of(terms.system), "where": where}
    told["amount"] = str(Amount(terms.from_amount, unit_of(terms.system, terms.correction)))
    if terms.from_amount:
        return pgettext("a rule", "%(system)s, %(where)s, from %(amount)s on") % told
    return pgettext("a rule", "%(system)s, %(where)s") % told


def title(change: PolicyChange) -> str:
    return str(TITLES[Kind(change.kind)]) % {"place": place_words(change)}


def value_words(name: str, value: Any, unit: str) -> str:
    if name in CAPS:
        return _("no cap") if value is None else str(Amount(value, unit))
    if isinstance(value, timedelta):
        return str(duration(value)) if value else _("none")
    if name == "approver_reason":
        return _("yes") if value else _("if they like")
    if name == "reason_length":
        least = ngettext("at least %(count)d character", "at least %(count)d characters", value) % {"count": value}
        return least if value > 1 else _("a few words")
    return str(value)


def differences(change: PolicyChange) -> list[Term]:
    """What it alters, term by term; a rule that goes tells nothing here, since another one holds in its place."""
    if change.kind == Kind.RETIRE:
        return []
    before, unit = change.replaces.terms if change.replaces else {}, unit_of(change.system, change.correction)
    return [
        Term(
            label=str(LABELS[name]),
            before=value_words(name, before[name], unit) if before else "",
            after=value_words(name, change.terms[name], unit),
        )
        for name in TERMS
        if before.get(name) != change.terms[name]
    ]


def caps_told(terms: Terms) -> Sequence[tuple[str, str]]:
    unit = unit_of(terms.system, terms.correction)
    return [
        (str(LABELS[cap]), value_words(cap, terms.terms[cap], unit)) for cap in CAPS if terms.terms[cap] is not None
    ]


def told(terms: Terms) -> Iterator[tuple[str, str]]:
    """Everything a rule asks, in order; caps that there are not are left out."""
    values: Mapping[str, Any] = terms.terms
    unit = unit_of(terms.system, terms.correction)
    for name in TERMS:
        if name not in CAPS or values[name] is not None:
            yield str(LABELS[name]), value_words(name, values[name], unit)
