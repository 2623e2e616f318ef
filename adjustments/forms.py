"""What a person sends: a reason, and what they had before their eyes when they decided."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from billingadmin.texts import ReasonField


class Reason(forms.Form):
    reason = ReasonField(
        label=_("Reason"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Say why: the reason is kept with the posting and in the audit log.")},
    )


class Drafted(Reason):
    """A proposal or an edit: ``seen`` is the draft that was shown, ``revision`` the one that is edited."""

    seen = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)
    revision = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)


class Proof(forms.Form):
    """Who decides shows that it is they who sit there: one thing to type, or nothing and a security key."""

    word = forms.CharField(
        label=_("Your password or a current code"),
        required=False,
        strip=False,
        max_length=1_000,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    key = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput(attrs={"data-key-answer": ""}))

    def is_proven(self, person: Any, *, about: str, now: datetime) -> bool:
        """Whether the person is proven; if not, the form says why not."""
        try:
            person.prove(about=about, word=self.cleaned_data["word"], key=self.cleaned_data["key"], now=now)
        except ValidationError as wrong:
            self.add_error("word", wrong)
        return not self.errors


class Asked(Reason, Proof):
    """To try again or to cancel, and why."""

    field_order = ["reason", "word", "key"]


class Seen(Proof):
    """What is approved: the revision and its content hash, as they were shown."""

    use_required_attribute = False  # one form on the page sends both decisions, and only one always needs a reason

    reason = ReasonField(label=_("Reason"), max_length=2_000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    seen = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)


class Refused(Seen):
    """What is rejected, and why."""

    reason = Reason.base_fields["reason"]


def about(adjustment: Any) -> dict[str, Any]:
    """What the decision forms begin with."""
    return {"revision": adjustment.revision, "seen": adjustment.content_hash}


def said(form: forms.Form) -> dict[str, Any]:
    """What was sent, without the proof of who sent it: that goes no further than to be checked."""
    return {name: value for name, value in form.cleaned_data.items() if name not in Proof.base_fields}
