"""The audit log and the guards on a system's health page: whether the record itself can be trusted."""

from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from audit import guards, trust

COMPARED_FOR = 60  # seconds: to compare takes longer than a page may; the probe compares each time


def health_panel(request: HttpRequest, slug: str) -> Mapping[str, Any]:
    now = timezone.now()
    compared = cache.get_or_set("guards-compared", guards.standing, COMPARED_FOR)
    context = {"state": trust.state(now), "guards": compared, "now": now}
    return {"title": _("Audit log and guards"), "html": render_to_string("audit/_health.html", context, request)}
