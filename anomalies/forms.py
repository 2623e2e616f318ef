"""What people fill in about an anomaly."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from anomalies.models.states import Dismissal
from billingadmin.amounts import Amount, NotAnAmount, parse
from billingadmin.texts import ReasonField

SPANS = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
SPAN_WORDS = [
    ("", _("no time limit")),
    ("1h", _("for an hour")),
    ("1d", _("for a day")),
    ("3d", _("for three days")),
    ("7d", _("for a week")),
    ("30d", _("for thirty days")),
    ("at", _("until the time below")),
]


class NoteForm(forms.Form):
    text = ReasonField(label=_("Your note"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}), strip=True)


class DismissForm(forms.Form):
    reason = forms.ChoiceField(label=_("Reason"), choices=[("", _("choose")), *Dismissal.choices])
    note = ReasonField(
        label=_("In a sentence"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Whoever reads this next year was not here."),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)


class SnoozeForm(forms.Form):
    """Until a time, or until it grows; at least one of them."""

    until = forms.ChoiceField(label=_("Let it be"), choices=SPAN_WORDS, required=False, initial="1d")
    at = forms.DateTimeField(
        label=_("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    grow_count = forms.IntegerField(
        label=_("or until more than so many of its rule are unanswered"), required=False, min_value=0
    )
    grow_amount = forms.CharField(label=_("or until more than this is at risk by its rule"), required=False)
    note = ReasonField(label=_("Why"), max_length=500)

    def __init__(self, *arguments: Any, unit: str | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.unit = unit
        if unit is None:
            del self.fields["grow_amount"]
        else:
            self.fields["grow_amount"].help_text = Amount(0, unit).unit_label()

    def clean_grow_amount(self) -> int | None:
        typed = self.cleaned_data["grow_amount"].strip()
        try:
            limit = parse(typed, self.unit).value if typed else None
        except NotAnAmount as error:
            raise forms.ValidationError(str(error)) from None
        if limit is not None and limit < 0:
            raise forms.ValidationError(_("A limit is not below zero."))
        return limit

    def clean(self) -> dict[str, Any]:
        told = super().clean()
        if told.get("until") == "at" and not told.get("at") and "at" not in self.errors:
            self.add_error("at", _("Say until when."))
        return told

    def limits(self, now: datetime) -> dict[str, Any]:
        told = self.cleaned_data
        chosen = told.get("until", "")
        return {
            "until": told["at"] if chosen == "at" else now + SPANS[chosen] if chosen else None,
            "grow_count": told.get("grow_count"),
            "grow_amount": told.get("grow_amount"),
            "note": told.get("note", ""),
        }
