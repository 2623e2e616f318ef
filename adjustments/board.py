"""The figures of adjustments on the boards, and what waits behind the navigation."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Min
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from adjustments.models import Adjustment, AdjustmentQuerySet
from adjustments.states import State

APPLIED_WITHIN = timedelta(minutes=5)  # an approved request that is not applied by then wants a look


def what_waits() -> AdjustmentQuerySet:
    """For the navigation, which counts."""
    return Adjustment.objects.pending()


def figures(now: datetime) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """One query for all systems."""
    open_ones = Adjustment.objects.open().order_by().values("system", "state")
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in open_ones.annotate(count=Count("pk"), oldest=Min("proposed_at"), approved=Min("approved_at")):
        found[row["system"]][row["state"]] = row
    return {slug: list(_figures(slug, states, now)) for slug, states in found.items()}


def _figures(slug: str, states: Mapping[str, Any], now: datetime) -> Sequence[Mapping[str, Any]]:
    told = []
    if row := states.get(State.PENDING):
        told.append({"label": _("Waiting for approval"), "value": str(row["count"]), "note": "", "level": ""})
        told[-1]["url"] = _list(slug, "pending")
        told.append({"label": _("Oldest waiting"), "at": row["oldest"], "note": "", "url": _list(slug, "pending")})
    if row := states.get(State.APPROVED):
        late = now - row["approved"] > APPLIED_WITHIN
        told.append({"label": _("Approved, not applied"), "value": str(row["count"]), "url": _list(slug, "approved")})
        told[-1] |= {"level": "warning" if late else "", "note": _("The worker has not posted it yet.") if late else ""}
    if row := states.get(State.NEEDS_ATTENTION):
        note = ngettext("One adjustment needs attention", "%(count)d adjustments need attention", row["count"])
        told.append({"label": _("Needs attention"), "value": str(row["count"]), "level": "warning"})
        told[-1] |= {"url": _list(slug, "attention"), "note": note % {"count": row["count"]}}
    return told


def _list(slug: str, tab: str) -> str:
    return f"{reverse('adjustments:adjustments')}?{urlencode({'tab': tab, 'system': slug})}"
