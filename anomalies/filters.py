"""What a reader asks of the queue, by query parameters that survive a reload and can be sent to somebody."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _

from anomalies.models.states import State
from anomalies.queue import Cell, Filter, Order, owners
from anomalies.rooms import named, system_of
from systems import registry
from systems.base import Severity

ME, NOBODY = "me", "nobody"
AGES = {  # the youngest and the oldest of a band
    "day": (None, timedelta(days=1)),
    "week": (timedelta(days=1), timedelta(days=7)),
    "month": (timedelta(days=7), timedelta(days=30)),
    "older": (timedelta(days=30), None),
}
AGE_WORDS = [
    ("day", _("under a day")),
    ("week", _("1 to 7 days")),
    ("month", _("7 to 30 days")),
    ("older", _("over 30 days")),
]


class QueueForm(forms.Form):
    """Every field is optional. What is not understood is left out, and said."""

    q = forms.CharField(
        label=_("Any id"),
        required=False,
        max_length=400,
        widget=forms.TextInput(attrs={"data-wait": True, "spellcheck": "false", "autocomplete": "off"}),
    )
    system = forms.ChoiceField(label=_("System"), required=False)
    rule = forms.ChoiceField(label=_("Rule"), required=False)
    severity = forms.ChoiceField(label=_("Severity"), required=False, choices=[("", _("all")), *Severity.choices])
    owner = forms.ChoiceField(label=_("Owner"), required=False)
    age = forms.ChoiceField(label=_("Age"), required=False, choices=[("", _("any")), *AGE_WORDS])
    state = forms.ChoiceField(required=False, choices=State.choices, widget=forms.HiddenInput)
    order = forms.ChoiceField(required=False, choices=Order.choices, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any], *, cells: Iterable[Cell]) -> None:
        super().__init__(data, auto_id=False)
        pairs = sorted({(cell.system, cell.rule) for cell in cells} | _offered())
        self.fields["system"].choices = [("", _("all")), *_systems(pairs)]
        self.fields["rule"].choices = [("", _("all")), *_rules(pairs, only=data.get("system", ""))]
        self.fields["owner"].choices = [("", _("anybody")), (ME, _("me")), (NOBODY, _("nobody")), *_owners()]
        self.full_clean()

    @property
    def chosen_state(self) -> str:
        return self.cleaned_data.get("state") or State.OPEN

    @property
    def chosen_order(self) -> Order:
        return Order(self.cleaned_data.get("order") or Order.URGENT)

    @property
    def asked(self) -> bool:
        """Whether anything narrows the list down."""
        return any(self.cleaned_data.get(name) for name in ("q", "system", "rule", "severity", "owner", "age"))

    def wanted(self, reader: Any, now: datetime) -> Filter:
        asked = self.cleaned_data
        owner = asked.get("owner", "")
        youngest, oldest = AGES.get(asked.get("age", ""), (None, None))
        system, _colon, rule = asked.get("rule", "").partition(":")
        return Filter(
            state=self.chosen_state,
            system=asked.get("system", ""),
            rule=(system, rule) if rule else None,
            severity=asked.get("severity", ""),
            owner=reader.pk if owner == ME else int(owner) if owner.isdigit() else None,
            nobody=owner == NOBODY,
            since=now - oldest if oldest else None,
            until=now - youngest if youngest else None,
            text=asked.get("q", "").strip(),
        )


def _offered() -> set[tuple[str, str]]:
    return {(system.slug, rule.code) for system in registry.all_systems() for rule in system.rules}


def _systems(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, Any]]:
    slugs = dict.fromkeys([system.slug for system in registry.all_systems()] + [slug for slug, _rule in pairs])
    found = ((slug, system_of(slug)) for slug in slugs)
    return [(slug, system.label if system else slug) for slug, system in found]


def _rules(pairs: Iterable[tuple[str, str]], *, only: str) -> list[tuple[Any, list[tuple[str, Any]]]]:
    """Under the name of their system; only those of one system once that is chosen."""
    groups: dict[Any, list[tuple[str, Any]]] = {}
    for slug, code in pairs:
        if only in ("", slug):
            rule = named(slug, code)
            groups.setdefault(rule.label, []).append((f"{slug}:{code}", rule.title))
    return list(groups.items())


def _owners() -> list[tuple[str, str]]:
    people = get_user_model().objects.filter(pk__in=owners()).order_by("name").values_list("pk", "name")
    return [(str(pk), name) for pk, name in people]
