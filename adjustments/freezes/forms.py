"""What a person says of a freeze: what it shall hold, and why."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from adjustments.freezes.models import Scope
from billingadmin.amounts import NotAnAmount, parse
from billingadmin.texts import ReasonField
from systems import registry

EVERYTHING = ("", _("All systems"))


class ScopeForm(forms.Form):
    """``what`` is a system, or one of its corrections as ``system:correction``."""

    what = forms.ChoiceField(label=_("What"), required=False)
    customer = forms.CharField(label=_("Customer"), required=False, max_length=200, strip=True)
    amount = forms.CharField(label=_("From amount"), required=False, max_length=40)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["what"].choices = [EVERYTHING, *_choices()]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        system, _colon, correction = said.get("what", "").partition(":")
        said["scope"] = {"system": system, "correction": correction, "customer": said.get("customer", "")}
        if said.get("amount"):
            said["scope"] |= self._amount(system, correction, said["amount"])
        return said

    def _amount(self, system: str, correction: str, text: str) -> dict[str, Any]:
        if not system:
            self.add_error("amount", _("Choose the system whose amounts you mean: each counts in its own unit."))
            return {}
        room = registry.get(system)
        unit = room.correction(correction).unit if correction else room.unit
        try:
            value = abs(parse(text, unit).value)
        except NotAnAmount as why:
            self.add_error("amount", str(why))
            return {}
        if not value:
            self.add_error("amount", _("From nothing on is everything: leave it empty."))
        return {"from_amount": value, "unit": unit} if value else {}

    @property
    def scope(self) -> Scope:
        return Scope(**self.cleaned_data["scope"])


class FreezeForm(ScopeForm):
    reason = ReasonField(
        label=_("Reason"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Everybody reads it above every request that is held, and it stays in the audit log."),
        error_messages={"required": _("Say why: it is what those who wait will read.")},
    )


def _choices() -> Iterator[tuple[Any, Any]]:
    for system in registry.all_systems():
        each = [(f"{system.slug}:{one.code}", one.title) for one in system.corrections]
        yield system.label, [(system.slug, gettext("All of %s") % system.label), *each]
