"""A freeze in words."""

from datetime import datetime

from django import template

from adjustments.freezes.waiting import Held
from adjustments.freezes.wording import words

register = template.Library()
register.filter("scope_words", words)


@register.filter
def breaks_soon(held: Held, now: datetime) -> bool:
    """{{ held|breaks_soon:now }}"""
    return held.breaks_soon(now)
