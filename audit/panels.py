"""The audit log and the guards on a system's health page: whether the record itself can be trusted."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from audit import guards, trust


def health_panel(request: HttpRequest, slug: str) -> Mapping[str, Any]:
    now = timezone.now()
    context = {"state": trust.state(now), "guards": guards.standing(), "now": now}
    return {"title": _("Audit log and guards"), "html": render_to_string("audit/_health.html", context, request)}
