"""The rooms, by slug, in the order of ``settings.BILLING_SYSTEMS``: the one list of them.

An entry is the name of a folder here, or the dotted path of a room's package elsewhere, as the tests' made-up room is.
"""

from functools import cache
from importlib import import_module

from django.conf import settings

from systems.base import System


class UnknownSystem(LookupError):
    """No system of that slug is in BILLING_SYSTEMS."""


def package_of(entry: str) -> str:
    return entry if "." in entry else f"systems.{entry}"


@cache
def _load(entry: str) -> System:
    return import_module(f"{package_of(entry)}.system").SYSTEM


def all_systems() -> tuple[System, ...]:
    return tuple(_load(entry) for entry in settings.BILLING_SYSTEMS)


def get(slug: str) -> System:
    for system in all_systems():
        if system.slug == slug:
            return system
    known = ", ".join(system.slug for system in all_systems())
    raise UnknownSystem(f"There is no system “{slug}”. Known: {known}.")


def package(slug: str) -> str:
    """The dotted path of the room's package."""
    return next(package_of(entry) for entry in settings.BILLING_SYSTEMS if _load(entry).slug == slug)
