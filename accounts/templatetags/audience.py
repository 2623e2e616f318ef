"""``{% if user|may:"decide" %}``: what somebody may not do is not offered."""

from typing import Any

from django import template

register = template.Library()


@register.filter
def may(user: Any, capability: str) -> bool:
    return user.is_authenticated and user.may(capability)
