"""Which entries a reader asks for, by query parameters that survive a reload and can be sent to somebody."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit import choices
from audit.models import EntryQuerySet
from audit.templatetags.audit import named, words

OUTCOMES = ("done", "refused", "failed")


class EntryFilter(forms.Form):
    """Every field is optional; days begin at midnight in the reader's zone, and ``until`` is the last one shown."""

    q = forms.CharField(
        label=_("Any id"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"data-wait": True, "spellcheck": "false"}),
    )
    actor = forms.ChoiceField(label=_("Who"), required=False)
    action = forms.ChoiceField(label=_("Action"), required=False)
    target = forms.ChoiceField(label=_("About"), required=False)
    system = forms.ChoiceField(label=_("System"), required=False)
    outcome = forms.ChoiceField(label=_("Outcome"), required=False)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data, auto_id=False)
        self._offer("actor", [(actor, named(name)) for actor, name in choices.actors()])
        self._offer("action", [(action, words(action)) for action in choices.actions()])
        self._offer("target", [(target, words(target)) for target in choices.target_types()])
        self._offer("system", [(system, system) for system in choices.systems()])
        self._offer("outcome", [(outcome, words(outcome)) for outcome in OUTCOMES])

    def _offer(self, name: str, offered: list[tuple[str, str]]) -> None:
        self.fields[name].choices = [("", _("all")), *offered]

    def asked(self) -> dict[str, Any]:
        """What was asked for, the empty and the unreadable left out."""
        self.full_clean()
        return {name: value for name, value in self.cleaned_data.items() if value}

    def apply(self, entries: EntryQuerySet) -> EntryQuerySet:
        asked = self.asked()
        columns = {"actor": "actor_id", "action": "action_type", "target": "target_type"}
        equal = {columns.get(name, name): asked[name] for name in asked if name not in ("q", "since", "until")}
        entries = entries.filter(**equal)
        if "q" in asked:
            entries = entries.filter(by_any_id(asked["q"]))
        if "since" in asked:
            entries = entries.filter(at__gte=midnight(asked["since"]))
        if "until" in asked:
            entries = entries.filter(at__lt=midnight(asked["until"] + timedelta(days=1)))
        return entries


def by_any_id(text: str) -> Q:
    """Whatever carries this id: what it was about, its job, its transaction, the request it happened in."""
    either = {text.strip(), text.strip().lower()}
    columns = ("target_id", "job_id", "tx_id", "correlation_id")
    return Q(*[(f"{column}__in", either) for column in columns], _connector=Q.OR)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())
