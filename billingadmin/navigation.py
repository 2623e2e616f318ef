"""What stands in the navigation, and for whom. The counts are asked of the apps by name, and only by a whole page."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from billingadmin.amounts import capped
from billingadmin.audience import Capability


@dataclass(frozen=True)
class Item:
    path: str
    label: Any
    icon: str
    key: str  # g, then this letter
    audience: Capability = "read"
    current: bool = False
    count: str = ""
    level: str = ""


@dataclass(frozen=True)
class Section:
    label: Any
    items: tuple[Item, ...]


SECTIONS = (
    Section(
        _("Work"),
        (
            Item("/", _("Today"), "today", "t"),
            Item("/anomalies/", _("Anomalies"), "anomalies", "a"),
            Item("/adjustments/", _("Adjustments"), "adjustments", "d"),
        ),
    ),
    Section(_("Systems"), (Item("/health/", _("Health"), "health", "h"),)),
    Section(
        _("Records"),
        (
            Item("/audit/", _("Audit log"), "audit", "l"),
            Item("/jobs/", _("Jobs"), "jobs", "j"),
            Item("/people/", _("People"), "people", "p", "people"),
        ),
    ),
)


def console(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the navigation, worked out when a template asks for it, which a fragment never does."""
    return {"navigation": SimpleLazyObject(lambda: list(sections_for(request))), "environment": environment()}


def environment() -> dict[str, Any]:
    known = {"demo": ("warning", _("demo")), "production": ("notice", _("production"))}
    tone, label = known.get(settings.ENVIRONMENT, ("info", settings.ENVIRONMENT))
    return {"tone": tone, "label": label}


def sections_for(request: HttpRequest) -> Iterator[Section]:
    if not request.user.is_authenticated:
        return
    for section in SECTIONS:
        items = tuple(shown(item, request.path) for item in section.items if request.user.may(item.audience))
        if items:
            yield Section(section.label, items)


def shown(item: Item, path: str) -> Item:
    current = path == item.path if item.path == "/" else path.startswith(item.path)
    counted = settings.NAVIGATION_COUNTS.get(item.path)
    count = capped(import_string(counted)()) if counted else ""
    return Item(item.path, item.label, item.icon, item.key, item.audience, current, "" if count == "0" else count)
