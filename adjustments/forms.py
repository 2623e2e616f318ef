"""What a person sends: a reason, and what they had before their eyes when they decided."""

from typing import Any

from django import forms
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


class Seen(forms.Form):
    """What is approved: the revision and its content hash, as they were shown."""

    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    seen = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)


class Refused(Seen, Reason):
    """What is rejected, and why."""

    field_order = ["reason"]


def about(adjustment: Any) -> dict[str, Any]:
    """What the decision forms begin with."""
    return {"revision": adjustment.revision, "seen": adjustment.content_hash}
