"""How entries of the audit log are read out."""

from django import template

from audit.wording import words

register = template.Library()
register.filter(words)


@register.filter
def named(actor: str) -> str:
    """The actor without the address behind the name."""
    return actor.partition(" <")[0]


@register.filter
def short(identifier: str) -> str:
    """Enough of a long id to tell it from its neighbours; the whole one stands on the entry's own page."""
    return f"{identifier[:8]}…" if len(identifier) > 20 else identifier
