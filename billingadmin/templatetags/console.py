"""How the console writes amounts, moments, levels and the rest: the same on every page."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from billingadmin import amounts
from billingadmin.amounts import Amount
from billingadmin.retelling import retold
from billingadmin.tones import LEVELS, ROLES, SEVERITIES, STATES

register = template.Library()
register.filter(retold)  # {{ reading.why|retold }}: a sentence that was kept

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
IDENTITY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

# Amounts and counts


@register.simple_tag
def amount(value: Amount | int | None, unit: str = "", *, signed: bool = False) -> SafeString:
    """{% amount 1200 "JPY" %}, {% amount an_amount signed=True %}; None is a dash."""
    if value is None:
        return dash()
    money = value if isinstance(value, Amount) else Amount(int(value), unit)
    sign = "-" if money.value < 0 else "+"
    form = '<span class="amount" data-sign="{}">{} <span class="unit">{}</span></span>'
    return format_html(form, sign, money.figure(signed=signed), money.unit_label())


@register.filter
def unit(counted: str) -> str:
    """{{ "credits"|unit }}: what is counted, in the reader's words."""
    return amounts.unit_label(counted, 2)


@register.filter
def capped(count: int, cap: int = amounts.CAP) -> str:
    """{{ count|capped }}: 1,000+ beyond the cap."""
    return amounts.capped(count, cap)


# Moments: in the reader's zone, UTC on hover


@register.simple_tag
def moment(at: datetime | None, *, seconds: bool = False) -> SafeString:
    """2026-11-20 14:07 in the reader's zone."""
    if at is None:
        return dash()
    return stamp(at, date_format(local(at), "Y-m-d H:i:s" if seconds else "Y-m-d H:i"))


@register.simple_tag(takes_context=True)
def ago(context: template.Context, at: datetime | None) -> SafeString:
    """5 min ago, in 2 h. The clock is the page's ``now`` where the view gave one."""
    return dash() if at is None else stamp(at, distance(at, context.get("now") or timezone.now()), local_too=True)


@register.simple_tag
def day(on: date, zone: ZoneInfo | str = "UTC") -> SafeString:
    """A day of business, which names the zone in which it begins and ends."""
    title = _("The day from midnight to midnight in %(zone)s") % {"zone": zone}
    form = '<time datetime="{}" title="{}">{} <span class="soft">{}</span></time>'
    return format_html(form, on.isoformat(), title, date_format(on, "Y-m-d"), zone)


@register.filter
def duration(value: timedelta | int | float | None) -> str:
    """{{ seconds|duration }}: 340 ms, 12 s, 5 min 3 s, 2 h 5 min, 3 d 4 h."""
    if value is None:
        return "–"
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if 0 < abs(seconds) < 1:
        return _("%(count)d ms") % {"count": round(seconds * 1000)}
    return (amounts.MINUS if seconds < 0 else "") + " ".join(spans(abs(int(seconds)))[:2])


def spans(seconds: int) -> list[str]:
    """The two largest units of a length of time."""
    forms = (
        (86400, pgettext("days", "%(count)d d")),
        (3600, pgettext("hours", "%(count)d h")),
        (60, pgettext("minutes", "%(count)d min")),
        (1, pgettext("seconds", "%(count)d s")),
    )
    largest = next((i for i, (size, _form) in enumerate(forms) if seconds >= size), len(forms) - 1)
    counts = [(seconds // forms[largest][0], forms[largest][1])]
    if largest + 1 < len(forms):
        counts.append((seconds % forms[largest][0] // forms[largest + 1][0], forms[largest + 1][1]))
    return [form % {"count": count} for count, form in counts if count] or [forms[-1][1] % {"count": 0}]


def distance(at: datetime, now: datetime) -> str:
    seconds = int((now - at).total_seconds())
    if abs(seconds) < 45:
        return _("just now")
    length = spans(abs(seconds))[0]
    return (_("%(length)s ago") if seconds > 0 else _("in %(length)s")) % {"length": length}


def local(at: datetime) -> datetime:
    """In the reader's zone; at the ends of the calendar, where some zones have no such moment, as it came."""
    try:
        return timezone.localtime(at)
    except OverflowError:
        return at


def stamp(at: datetime, words: str, *, local_too: bool = False) -> SafeString:
    universal = at.astimezone(ZoneInfo("UTC"))
    title, printed = f"{universal:%Y-%m-%d %H:%M:%S} UTC", ""
    if local_too:  # on paper nothing is "ago"
        title = f"{local(at):%Y-%m-%d %H:%M} {timezone.get_current_timezone_name()} · {title}"
        printed = format_html(' data-printed="{}"', f"{local(at):%Y-%m-%d %H:%M}")
    form = '<time datetime="{}" title="{}"{}>{}</time>'
    return format_html(form, f"{universal:%Y-%m-%dT%H:%M:%S.%fZ}", title, printed, words)


# Badges


@register.simple_tag
def level_badge(level: str | None, label: str = "") -> SafeString:
    level = str(level or "unknown")
    return format_html('<span class="badge" data-level="{}">{}</span>', level, label or LEVELS.get(level, level))


@register.simple_tag
def severity_badge(severity: str, label: str = "") -> SafeString:
    severity = str(severity)
    words = label or SEVERITIES.get(severity, severity)
    return format_html('<span class="badge" data-severity="{}">{}</span>', severity, words)


@register.simple_tag
def state_badge(state: str, label: str = "") -> SafeString:
    """The pill of any state: of an anomaly, an adjustment, a run. A word we do not know stands for itself."""
    tone, words = STATES.get(str(state), ("unknown", str(state)))
    form = '<span class="badge" data-state="{}" data-tone="{}">{}</span>'
    return format_html(form, state, tone, label or words)


# Values as found


@register.simple_tag
def value(found: Any) -> SafeString:
    """Whatever a source holds, so that nothing looks like something else: NULL is a dash, an empty text says so.

    An object that knows how to show itself (``__html__``: a masked value, an unrecognised word) does so; an instant or
    a uuid that came by way of JSON is known by its form.
    """
    if found is None:
        return dash()
    if isinstance(found, bool):
        return conditional_escape(_("yes") if found else _("no"))
    if isinstance(found, datetime):
        return moment(found, seconds=True)
    if isinstance(found, str):
        return text_value(found)
    if isinstance(found, UUID):
        return ident(found)
    if isinstance(found, Mapping):
        return facts(found)
    if isinstance(found, list | tuple):
        return format_html_join(", ", "{}", ((value(each),) for each in found))
    return conditional_escape(found)


def text_value(text: str) -> SafeString:
    if text == "":
        return format_html('<span class="soft">{}</span>', _("empty"))
    if IDENTITY.fullmatch(text):
        return ident(text)
    at = instant(text)
    return moment(at, seconds=True) if at else conditional_escape(text)


def instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if INSTANT.fullmatch(text) else None
    except ValueError:
        return None


@register.simple_tag
def facts(pairs: Mapping[Any, Any]) -> SafeString:
    """Key and value, one pair a line."""
    lines = format_html_join("", "<dt>{}</dt><dd>{}</dd>", ((name, value(found)) for name, found in pairs.items()))
    return format_html('<dl class="facts">{}</dl>', lines)


@register.simple_tag
def ident(text: Any) -> SafeString:
    """An identifier: in figures of one width, copied by a click."""
    form = '<button type="button" class="id" data-copy="{}" title="{}">{}</button>'
    return dash() if text in (None, "") else format_html(form, text, _("Copy"), text)


@register.simple_tag
def masked(text: str) -> SafeString:
    """Personal data that already is masked, with the reason on hover."""
    return format_html('<span class="masked" title="{}">{}</span>', _("Masked: unmasking is recorded"), text)


@register.simple_tag
def holds(observed: bool | None, wanted: bool = True) -> str:
    """For the lines of "why": data-holds="{% holds line.observed line.wanted %}"."""
    return "unknown" if observed is None else str(observed is wanted).lower()


# Small things


@register.simple_tag
def icon(name: str) -> SafeString:
    form = '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>'
    return format_html(form, static("icons.svg"), name)


@register.simple_tag
def sort_link(context_order: str, column: str, first: str = "-") -> str:
    """The ``order`` a click on a column's heading asks for: its own first direction, or the other way round."""
    down, up = f"-{column}", column
    if context_order in (down, up):
        return up if context_order == down else down
    return first + column if first else column


@register.filter
def roles(held: Iterable[str]) -> str:
    """{{ person.roles|roles }}: in the reader's words, always in the same order."""
    return ", ".join(str(words) for role, words in ROLES.items() if role in held)


@register.simple_tag
def message_tone(message: Any) -> str:
    """The tone of one of Django's messages."""
    return {"success": "ok", "warning": "warning", "error": "critical"}.get(message.level_tag, "info")


@register.filter
def more(count: int) -> str:
    """What follows a capped list: and 3 more; nothing when there are none."""
    return ngettext("and %(count)d more", "and %(count)d more", count) % {"count": count} if count > 0 else ""


def dash() -> SafeString:
    return format_html('<span class="soft">{}</span>', "–")
