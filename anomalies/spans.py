"""Stretches of time: as people say them, and as they type them."""

import re
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

AGE = re.compile(r"(?P<number>\d{1,6})\s*(?P<unit>[smhdw])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class NotAMoment(ValueError):
    """The text is neither an instant nor an age."""


def span(length: timedelta) -> str:
    """How long, in one unit: “2 minutes”."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return _("a moment")
    if seconds < 3_600:
        return ngettext("%d minute", "%d minutes", seconds // 60) % (seconds // 60)
    if seconds < 172_800:
        return ngettext("%d hour", "%d hours", seconds // 3_600) % (seconds // 3_600)
    return ngettext("%d day", "%d days", seconds // 86_400) % (seconds // 86_400)


def moment(text: str, now: datetime) -> datetime:
    """An instant in ISO 8601 (UTC unless it says otherwise), or an age such as 2h or 7d."""
    try:
        if match := AGE.fullmatch(text.strip()):
            return now - timedelta(**{UNITS[match["unit"]]: int(match["number"])})
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotAMoment(
            _("“%s” is neither an instant such as 2026-11-02T03:00Z nor an age such as 2h or 7d.") % text
        ) from None
