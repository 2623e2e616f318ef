"""Masks for what is about a person. Enough stays to tell two apart, not enough to use."""

import re

HIDDEN = "•••"
EMAIL = re.compile(r"[^\s@<>()\[\]\"',;:=]+@[^\s@<>()\[\]\"',;:=]+\.[^\s@<>()\[\]\"',;:=]+")


def masked_email(text: str) -> str:
    """ada.l@example.com → a•••@e•••.com; what is no address is masked as text."""
    name, at, host = text.partition("@")
    if not at or not name or not host:
        return masked_text(text)
    _rest, dot, ending = host.rpartition(".")
    return f"{name[0]}{HIDDEN}@{host[0]}{HIDDEN}{dot}{ending if dot else ''}"


def masked_text(text: str) -> str:
    """a prompt, a name: its first character and how long it is."""
    return f"{text[:1]}{HIDDEN} ({len(text)})" if len(text) > 1 else HIDDEN


def masked(text: str) -> str:
    return masked_email(text) if "@" in text and " " not in text.strip() else masked_text(text)


def without_emails(text: str) -> str:
    """A sentence of a program, with the addresses in it masked and the rest as it is."""
    return EMAIL.sub(lambda found: masked_email(found[0]), text)
