"""What people type about the policy. Forms check words; whether a change may be is for changes.py and the database."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from adjustments.policies.models import CAPS, PolicyRule
from adjustments.policies.wording import LABELS, unit_of
from billingadmin.amounts import Amount, NotAnAmount, parse
from billingadmin.texts import ReasonField
from systems import registry

HOUR = timedelta(hours=1)
DAYS_90 = 90 * 24
HOURS = ("approve_within", "apply_within", "notice")


def parsed(form: forms.Form, name: str, unit: str) -> int | None:
    """The amount in that field, in the smallest unit; nothing where it is empty, or is no amount and was told so."""
    text = form.cleaned_data.get(name) or ""
    if not text:
        return None
    try:
        return abs(parse(text, unit).value)
    except NotAnAmount as why:
        form.add_error(name, str(why))
        return None


class TermsForm(forms.Form):
    """What a rule asks. Amounts are typed as people write them, and mean the unit of the place."""

    approvals = forms.IntegerField(label=LABELS["approvals"], min_value=1, max_value=9)
    approve_within = forms.IntegerField(label=_("Hours to approve"), min_value=1, max_value=DAYS_90)
    apply_within = forms.IntegerField(label=_("Hours to apply"), min_value=1, max_value=DAYS_90)
    notice = forms.IntegerField(
        label=_("Hours of notice"),
        min_value=0,
        max_value=DAYS_90,
        help_text=_("Before either deadline, those who can still act are told."),
    )
    line_cap = forms.CharField(label=LABELS["line_cap"], required=False, max_length=30)
    proposer_cap = forms.CharField(label=LABELS["proposer_cap"], required=False, max_length=30)
    approver_cap = forms.CharField(label=LABELS["approver_cap"], required=False, max_length=30)
    customer_cap = forms.CharField(label=LABELS["customer_cap"], required=False, max_length=30)
    total_cap = forms.CharField(
        label=LABELS["total_cap"],
        required=False,
        max_length=30,
        help_text=_("Each of these five: empty for no cap, otherwise in the unit of the system."),
    )
    reason_length = forms.IntegerField(
        label=_("Least length of the proposer's reason"), min_value=1, max_value=500, help_text=_("In characters.")
    )
    approver_reason = forms.BooleanField(label=_("The approver must say why"), required=False)
    reason = ReasonField(
        label=_("Reason"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The second admin reads it, and so does the audit log."),
        error_messages={"required": _("Say why: the second admin decides by it.")},
    )

    def __init__(self, *arguments: Any, rule: PolicyRule | None = None, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.rule = rule
        if rule and not rule.system:
            for cap in CAPS:
                del self.fields[cap]

    def place(self) -> dict[str, Any]:
        return dict(zip(("system", "correction", "from_amount"), self.rule.place, strict=True))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        place = self.place()
        unit = unit_of(place["system"], place["correction"])
        said["terms"] = {name: HOUR * said[name] for name in HOURS if name in said}
        said["terms"] |= {name: said.get(name) for name in ("approvals", "approver_reason", "reason_length")}
        said["terms"] |= {cap: self._cap(cap, unit) for cap in CAPS}
        return said

    def _cap(self, cap: str, unit: str) -> int | None:
        if self.cleaned_data.get(cap) and not unit:
            self.add_error(cap, gettext("A cap counts in the unit of a system: choose one, or leave it empty."))
            return None
        return parsed(self, cap, unit)

    @property
    def asked(self) -> dict[str, Any]:
        """As changes.ask() takes it."""
        said = self.cleaned_data
        return {**self.place(), "terms": said["terms"], "reason": said["reason"]}


class NewRuleForm(TermsForm):
    """A rule for a place that has none of its own."""

    what = forms.ChoiceField(label=_("For"))
    from_amount = forms.CharField(
        label=_("From amount"),
        required=False,
        max_length=30,
        help_text=_("Of all lines together. Empty: from the first."),
    )
    field_order = ("what", "from_amount")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["what"].choices = [("", _("Choose …")), *places()]

    def place(self) -> dict[str, Any]:
        system, _colon, correction = self.cleaned_data.get("what", "").partition(":")
        from_amount = parsed(self, "from_amount", unit_of(system, correction)) if system else None
        return {"system": system, "correction": correction, "from_amount": from_amount or 0}


class Said(forms.Form):
    reason = ReasonField(
        label=_("Reason"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Say why: it is kept, and others read it.")},
    )


class ExampleForm(forms.Form):
    """What would hold for a request of this size."""

    what = forms.ChoiceField(label=_("Correction"), required=False)
    amount = forms.CharField(label=_("Amount"), required=False, max_length=30)

    def __init__(self, given: Mapping[str, Any]) -> None:
        super().__init__(given)
        self.fields["what"].choices = [("", _("Choose …")), *places(whole=False)]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        system, _colon, correction = said.get("what", "").partition(":")
        amount = parsed(self, "amount", unit_of(system, correction)) if system else None
        said["request"] = {"system": system, "correction": correction, "amount": amount or 0}
        return said


def places(*, whole: bool = True) -> Iterator[tuple[Any, Any]]:
    for system in registry.all_systems():
        each = [(f"{system.slug}:{one.code}", one.title) for one in system.corrections]
        all_of_it = [(system.slug, gettext("All of %s") % system.label)] if whole else []
        yield system.label, [*all_of_it, *each]


def shown(rule: PolicyRule) -> dict[str, Any]:
    """What the form begins with: the rule as it is typed."""
    unit = unit_of(rule.system, rule.correction)
    caps = {cap: Amount(value, unit).plain() for cap in CAPS if (value := getattr(rule, cap)) is not None}
    hours = {name: getattr(rule, name) // HOUR for name in HOURS}
    same = {name: getattr(rule, name) for name in ("approvals", "approver_reason", "reason_length")}
    return caps | hours | same
