"""How entries of the audit log are read out."""

from django import template

register = template.Library()


@register.filter
def words(code: str) -> str:
    """role_grant_confirmed: Role grant confirmed."""
    text = code.replace("_", " ").replace(".", " ")
    return text[:1].upper() + text[1:]


@register.filter
def named(actor: str) -> str:
    """The actor without the address behind the name."""
    return actor.partition(" <")[0]


@register.filter
def short(identifier: str) -> str:
    """Enough of a long id to tell it from its neighbours; the whole one stands on the entry's own page."""
    return f"{identifier[:8]}…" if len(identifier) > 20 else identifier
