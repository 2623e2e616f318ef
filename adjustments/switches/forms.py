"""What a person says of a switch: the value, why and until when; of another's flip, whether it is right."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adjustments.switches.models import Opinion
from billingadmin.texts import ReasonField
from systems.base import Switch


class FlipForm(forms.Form):
    value = forms.CharField(label=gettext_lazy("Value"), max_length=200)
    reason = ReasonField(
        label=gettext_lazy("Reason"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": gettext_lazy("Say why: a second person reviews it within a day.")},
    )
    until = forms.DateTimeField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )

    def __init__(self, switch: Switch, now: datetime, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.switch, self.now = switch, now
        if switch.options and not switch.accepts:
            choices = [("", _("Choose …")), *((option.value, option.label) for option in switch.options)]
            self.fields["value"] = forms.ChoiceField(label=_("Value"), choices=choices)
        back = _("It then flips back by itself, unless somebody has set another value.")
        self.fields["until"].help_text = back if switch.returns else _("It then turns critical until it is set back.")

    def clean_value(self) -> str:
        value = self.switch.taken(self.cleaned_data["value"].strip())
        if value is None:
            raise forms.ValidationError(_("That is no value that this switch takes."))
        return value

    def clean_until(self) -> datetime | None:
        until = self.cleaned_data["until"]
        if until and until <= self.now:
            raise forms.ValidationError(_("“Until” must lie ahead."))
        return until


class ReviewForm(forms.Form):
    opinion = forms.ChoiceField(choices=Opinion.choices, widget=forms.HiddenInput)
    note = ReasonField(
        label=gettext_lazy("Note"), max_length=2_000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    back = forms.BooleanField(label=gettext_lazy("Flip it back at once"), required=False)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("opinion") == Opinion.OBJECT and not said.get("note") and "note" not in self.errors:
            self.add_error("note", _("Say what is wrong with it."))
        return said
