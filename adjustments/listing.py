"""The list of requests: tabs by what is to be done with them, filters that survive a reload, pages by cursor, CSV."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.db.models import BigIntegerField, Count, Func, Prefetch
from django.utils.translation import gettext_lazy as _

from adjustments.models import Adjustment, AdjustmentQuerySet, Decision
from adjustments.people import Person
from adjustments.states import State, Verdict
from adjustments.wording import label_of, title_of
from billingadmin.amounts import CAP, Amount
from systems import registry

CSV_HEADER = [
    *("number", "system", "correction", "subject", "state", "amount", "unit", "reason", "revision"),
    *("proposed_by", "proposed_at", "approved_by", "approved_at", "applied_at", "content_hash"),
]


@dataclass(frozen=True)
class Tab:
    name: str
    label: Any
    states: frozenset[State] | None = None  # None: all
    mine: bool = False
    oldest_first: bool = False  # what waits longest is to be done first


TABS = (
    Tab("mine", _("Waiting for me"), mine=True, oldest_first=True),
    Tab("pending", _("Waiting for anyone"), frozenset({State.PENDING}), oldest_first=True),
    Tab("approved", _("Approved"), frozenset({State.APPROVED}), oldest_first=True),
    Tab("attention", _("Needs attention"), frozenset({State.NEEDS_ATTENTION}), oldest_first=True),
    Tab("applied", _("Applied"), frozenset({State.APPLIED})),
    Tab("all", _("All")),
)


def tabs_for(person: Person) -> Sequence[Tab]:
    """Nothing waits for who may not decide: the first tab is then what they proposed, or is not there."""
    mine, *others = TABS
    if person.may("decide"):
        return TABS
    return [replace(mine, label=_("Proposed by me")), *others] if person.may("triage") else others


class ListFilter(forms.Form):
    tab = forms.ChoiceField(choices=[(tab.name, tab.label) for tab in TABS], required=False)
    system = forms.ChoiceField(required=False)
    state = forms.ChoiceField(choices=[("", _("any")), *State.choices], required=False)
    subject = forms.CharField(required=False, max_length=200)

    def __init__(self, given: Mapping[str, Any], person: Person) -> None:
        super().__init__(given)
        self.person = person
        self.fields["system"].choices = [("", _("any")), *((one.slug, one.label) for one in registry.all_systems())]
        self.is_valid()  # what is not a choice is left out, calmly

    @property
    def current(self) -> Tab:
        name = self.cleaned_data.get("tab") or ("mine" if self.person.may("decide") else "pending")
        return next(tab for tab in TABS if tab.name == name)

    @property
    def is_narrowed(self) -> bool:
        return any(self.cleaned_data.get(name) for name in ("system", "state", "subject"))

    def apply(self, adjustments: AdjustmentQuerySet) -> AdjustmentQuerySet:
        asked = {name: self.cleaned_data.get(name) for name in ("system", "state", "subject")}
        if self.current.mine:
            adjustments = waiting_for(self.person)
        elif self.current.states:
            adjustments = adjustments.filter(state__in=self.current.states)
        return adjustments.filter(**{name: wanted for name, wanted in asked.items() if wanted})

    @property
    def order(self) -> tuple[str, ...]:
        return ("number",) if self.current.oldest_first else ("-number",)


def waiting_for(person: Person) -> AdjustmentQuerySet:
    """For an approver what they may decide, for others what they proposed and is not over."""
    if person.may("decide"):
        return Adjustment.objects.decidable_by(person)
    return Adjustment.objects.open().filter(proposed_by=person)


def counts(person: Person) -> dict[str, int]:
    """What stands behind the tabs of open requests."""
    by_state = Adjustment.objects.open().order_by().values_list("state").annotate(Count("pk"))
    found = dict(by_state)
    figures = {tab.name: sum(found.get(state, 0) for state in tab.states) for tab in TABS if tab.states}
    return {name: n for name, n in figures.items() if name != "applied"} | {
        "mine": waiting_for(person)[: CAP + 1].count()
    }


def shown(adjustments: AdjustmentQuerySet) -> AdjustmentQuerySet:
    """With what a row shows, in two queries however many rows."""
    approvals = Decision.objects.filter(verdict=Verdict.APPROVE).select_related("person")
    frozen_by = Func("pk", function="adjustments_frozen", output_field=BigIntegerField())  # a freeze, if one holds it
    return (
        adjustments.annotate(frozen_by=frozen_by)
        .select_related("proposed_by")
        .prefetch_related(Prefetch("decisions", queryset=approvals, to_attr="approvals"))
    )


def approvers_of(adjustment: Adjustment) -> str:
    """Who approved the revision there is; for rows from ``shown``."""
    said = [one.person.name for one in adjustment.approvals if one.revision == adjustment.revision]
    return ", ".join(said)


def csv_rows(adjustments: AdjustmentQuerySet) -> Iterator[list[Any]]:
    for one in shown(adjustments).iterator(chunk_size=500):
        amount = Amount(one.amount, one.unit)
        yield [
            *(one.number, label_of(one.system), title_of(one), one.subject, one.state, amount.plain(), one.unit),
            *(one.reason, one.revision, one.proposed_by.name, one.proposed_at, approvers_of(one)),
            *(one.approved_at, one.applied_at, one.content_hash),
        ]
