"""What people type about people. Forms check words; whether a change may be is for changes.py and the database."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Kind, Language, Person, Theme
from accounts.roles import Role, are_apart
from billingadmin.texts import ReasonField


class RolesField(forms.MultipleChoiceField):
    """Roles to tick, at least one, and none that may not be held together."""

    widget = forms.CheckboxSelectMultiple

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        if not are_apart(value):
            raise forms.ValidationError(_("Nobody holds admin together with support or approver."))


class InviteForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    roles = RolesField(label=_("Roles"), choices=Role.choices)
    reason = ReasonField(
        label=_("Reason"), max_length=500, help_text=_("The second admin reads it, and so does the audit log.")
    )


class ChangeForm(forms.Form):
    """One change of one person, chosen from what can change about them."""

    what = forms.ChoiceField(label=_("Change"))
    reason = ReasonField(
        label=_("Reason"), max_length=500, help_text=_("The second admin reads it, and so does the audit log.")
    )

    def __init__(self, person: Person, data: Any = None) -> None:
        super().__init__(data)
        self.fields["what"].choices = [("", _("Choose …")), *possible_changes(person)]

    def change(self) -> dict[str, Any]:
        """What was chosen, as changes.request() takes it."""
        kind, _colon, role = self.cleaned_data["what"].partition(":")
        return {"kind": kind, "roles": [role] if role else [], "reason": self.cleaned_data["reason"]}


def possible_changes(person: Person) -> list[tuple[str, Any]]:
    """What could be asked for this person now: roles not held (and not kept apart), roles held, active or not."""
    missing = [role for role in Role if role not in person.roles and are_apart({role, *person.roles})]
    grants = [(f"{Kind.GRANT}:{role}", _("Make %(role)s") % {"role": role.label}) for role in missing]
    held = [role for role in Role if role in person.roles]
    revocations = [(f"{Kind.REVOKE}:{role}", _("No longer %(role)s") % {"role": role.label}) for role in held]
    turn = (Kind.DISABLE, _("Disable")) if person.is_active else (Kind.ENABLE, _("Enable"))
    return [*grants, *revocations, turn]


class RefusalForm(forms.Form):
    reason = ReasonField(
        label=_("Reason"),
        max_length=500,
        error_messages={"required": _("Say why: a refusal needs a reason.")},
    )


class PreferencesForm(forms.Form):
    zone = forms.ChoiceField(label=_("Time zone"), help_text=_("Times are told in it, and days begin at its midnight."))
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)
    theme = forms.ChoiceField(label=_("Theme"), choices=Theme.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["zone"].choices = zones()


@cache
def zones() -> list[tuple[str, Any]]:
    """UTC first, then the zones of the world by continent."""
    continents: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(available_timezones()):
        continent, _slash, city = name.partition("/")
        if city and continent not in ("Etc", "SystemV", "US", "posix", "right"):
            continents.setdefault(continent, []).append((name, name.replace("_", " ")))
    return [("UTC", "UTC"), *continents.items()]
