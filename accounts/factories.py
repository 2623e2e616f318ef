"""What tests need of people beyond the cast."""

from datetime import datetime
from typing import Any

from accounts import step_up
from accounts.models import Person


def stepped_up(person: Person, adjustment: Any, at: datetime) -> Person:
    """The person, just proven by password for this content as it is now: they may decide on it once."""
    step_up.remember(person, about=adjustment.content_hash, method=step_up.Method.PASSWORD, now=at)
    return person
