"""What a room's own page gets of the engines, and where such pages are: ``/systems/<slug>/<path>``."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone

from health import boards
from health.contributions import probes_of
from health.models import Reading
from systems import registry
from systems.base import Page, System
from systems.reading import SourceUnavailable

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Desk:
    """The engines' side of a room's page: the clock, and what the console has stored about the system."""

    system: System
    now: datetime

    def readings(self) -> dict[str, Reading | None]:
        """The latest reading of each probe; None where there is none yet."""
        latest = boards.latest([self.system])
        return {probe.code: latest.get((self.system.slug, probe.code)) for probe in probes_of(self.system)}

    def history(self, code: str, since: datetime) -> list[Reading]:
        """The readings of one probe from ``since`` on, oldest first."""
        return list(Reading.objects.of(self.system.slug, code).filter(measured_at__gte=since).order_by("measured_at"))


def room_urls() -> list[URLPattern]:
    """A URL for each page of each room, named ``rooms:<slug>-<name>``."""
    return [
        path(f"{system.slug}/{page.path}", mounted(system, page), name=f"{system.slug}-{page.name}")
        for system in registry.all_systems()
        for page in system.pages
    ]


def mounted(system: System, page: Page) -> View:
    """The room's view with a desk, in the audience the page names; a source that is silent is said, not raised."""

    @wraps(page.view)
    def view(request: HttpRequest, **captured: Any) -> HttpResponse:
        desk = Desk(system, timezone.now())
        try:
            return page.view(request, desk, **captured)
        except SourceUnavailable as failure:
            context = {"system": system, "page": page, "failure": failure}
            return render(request, "health/unavailable.html", context, status=503)

    view.audience = page.audience
    return view
