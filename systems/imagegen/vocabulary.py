"""The source's own words, as far as we know them. Its lists grow: an unknown word is shown as itself, with a mark."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from systems.base import Text, Unrecognised

STATUSES = {
    "queued": _("queued"),
    "processing": _("processing"),
    "succeeded": _("succeeded"),
    "failed": _("failed"),
}
STAGES = {
    "queued": _("queued"),
    "processing": _("processing"),
    "charging": _("charging"),
    "generating": _("generating"),
    "uploading": _("uploading"),
    "persisting": _("persisting"),
    "completed": _("completed"),
    "failed": _("failed"),
}
TRANSACTIONS = {
    "purchase": _("Purchase"),
    "consumption": _("Charge"),
    "refund": _("Refund"),
    "signup_bonus": _("Sign-up bonus"),
    "daily_post": _("Daily post bonus"),
    "streak": _("Streak bonus"),
    "referral": _("Referral bonus"),
    "admin_bonus": _("Bonus by an admin"),
    "forfeiture": _("Forfeiture"),
    "tour_bonus": _("Tour bonus"),
    "admin_deduction": _("Deduction by an admin"),
    "subscription": _("Subscription"),
    "collection_completion": _("Collection completed"),
    "prompt_usage_reward": _("Reward for a prompt used"),
    "style_usage_reward": _("Reward for a style used"),
    "prompt_use_bonus": _("Bonus for a prompt used"),
}
GENERATION_TYPES = {
    "coordinate": _("coordinate"),
    "specified_coordinate": _("specified coordinate"),
    "full_body": _("full body"),
    "chibi": _("chibi"),
    "one_tap_style": _("one-tap style"),
    "inspire": _("inspire"),
    "free": _("free"),
}
MODERATION = {"visible": _("visible"), "pending": _("pending"), "removed": _("removed")}


def word(vocabulary: Mapping[str, Text], value: str | None) -> Text | Unrecognised | None:
    """What to show for a value: our word for it, or the value itself with a mark."""
    return value if value is None else vocabulary.get(value, Unrecognised(value))


def as_uuid(text: Any) -> str | None:
    """The canonical spelling of a uuid, however it was copied (capitals, blanks, braces, urn); None when it is none."""
    try:
        return str(UUID(str(text).strip().strip("{}")))
    except ValueError:
        return None


def names_a_job(text: Any) -> bool:
    """Whether the source itself would read a ledger row's job_id: a uuid of version 1 to 5 and the standard variant."""
    plain = as_uuid(text) if isinstance(text, str) and text == text.strip() and len(text) == 36 else None
    return bool(plain) and plain[14] in "12345" and plain[19] in "89ab"
