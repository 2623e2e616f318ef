"""Everything the page of one anomaly shows, from what the console keeps; the source is asked for its timeline only."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.forms import Form
from django.http import HttpRequest
from django.utils.module_loading import import_string

from anomalies.explanation import Condition, conditions
from anomalies.forms import DismissForm, NoteForm, SnoozeForm
from anomalies.identifiers import is_identifier
from anomalies.listing import Listed, listed, marks
from anomalies.models import Anomaly, StepTick
from anomalies.queue import open_like
from anomalies.rooms import kind_of, named, rule_of, system_of
from anomalies.telling import Told, told_timeline
from audit.models import Entry
from systems.base import Step, System

SIMILAR = 6
HISTORY = 50
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")


@dataclass(frozen=True)
class TickedStep:
    step: Step
    tick: StepTick | None
    href: str


def dossier(
    request: HttpRequest,
    anomaly: Anomaly,
    *,
    now: datetime,
    clear: bool = False,
    forms: Mapping[str, Form] | None = None,
) -> dict[str, Any]:
    """``clear`` shows personal values as they are: the caller has recorded it. ``forms`` are those that came back."""
    system = system_of(anomaly.system)
    kind = kind_of(system, anomaly.subject_kind)
    return {
        "anomaly": anomaly,
        "system": system,
        "rule": named(anomaly.system, anomaly.rule),
        "why": getattr(rule_of(system, anomaly.rule), "why", ""),
        "kind": kind.label if kind else anomaly.subject_kind,
        "subject_id": kind.recognise(anomaly.subject) if kind else None,
        "conditions": _conditions(system, anomaly),
        "facts": facts_of(anomaly),
        "marks": marks(anomaly),
        "timeline": _timeline(system, anomaly, now, clear),
        "steps": _ticked(anomaly),
        "notes": anomaly.notes.select_related("author").order_by("-at", "-pk"),
        "entries": _history(anomaly),
        "similar": similar(anomaly),
        "same_rule": open_like(anomaly),
        "panels": _panels(request, anomaly),
        "mine": anomaly.is_claimed_by(request.user),
        "clear": clear,
        "now": now,
        **_forms(anomaly, forms or {}),
    }


def _conditions(system: System | None, anomaly: Anomaly) -> Sequence[Condition]:
    """Why it was found, judged on the facts as the latest check kept them."""
    rule = rule_of(system, anomaly.rule)
    return conditions(system, rule, anomaly.facts) if system and rule else ()


@dataclass(frozen=True)
class ShownFacts:
    """The columns of the finding, what a reader wants first in front: names, then what there is to say."""

    named: dict[str, Any]
    told: dict[str, Any]
    rest: dict[str, Any]  # booleans, which the conditions put into words, and what is empty


def facts_of(anomaly: Anomaly) -> ShownFacts:
    shown = {name: _moment_or(value) for name, value in sorted(anomaly.facts.items())}
    said = {name: value for name, value in shown.items() if value is not None and not isinstance(value, bool)}
    named = {name: value for name, value in said.items() if is_identifier(name)}
    told = {name: value for name, value in said.items() if name not in named}
    return ShownFacts(named, told, {name: value for name, value in shown.items() if name not in said})


def _moment_or(value: Any) -> Any:
    """Instants are kept as text; on a screen they are instants again."""
    if not isinstance(value, str) or not INSTANT.fullmatch(value):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return value


def _timeline(system: System | None, anomaly: Anomaly, now: datetime, clear: bool) -> Told | None:
    return told_timeline(system, anomaly.subject_kind, anomaly.subject, now=now, clear=clear) if system else None


def steps_of(anomaly: Anomaly) -> Sequence[Step]:
    system = system_of(anomaly.system)
    return system.runbook.triage.get(anomaly.rule, ()) if system else ()


def _ticked(anomaly: Anomaly) -> list[TickedStep]:
    ticks = {tick.step: tick for tick in anomaly.ticks.filter(occurrence=anomaly.occurrence).select_related("by")}
    return [TickedStep(step, ticks.get(step.code), _href(anomaly.system, step)) for step in steps_of(anomaly)]


def _href(slug: str, step: Step) -> str:
    """The screen that does the step, or the reading that answers it."""
    if step.probe:
        return f"/health/{slug}/#{step.probe}"
    if not step.page:
        return ""
    return step.page if step.page.startswith("/") else f"/systems/{slug}/{step.page}"


def similar(anomaly: Anomaly) -> list[Listed]:
    """Others that are not answered and name one of the same identifiers: the same subject, transaction or user."""
    others = Anomaly.objects.at_risk().filter(ids__overlap=anomaly.ids).exclude(pk=anomaly.pk)
    return listed(others.filter(system=anomaly.system).select_related("owner").most_urgent_first()[:SIMILAR])


def _history(anomaly: Anomaly) -> QuerySet[Entry]:
    """What was recorded about it, and about what was asked for to answer it."""
    about = Q(target_type="anomaly", target_id=str(anomaly.pk))
    for path in settings.HISTORY_CONTRIBUTORS:
        kind, numbers = import_string(path)(anomaly)
        about |= Q(target_type=kind, target_id__in=numbers)
    return Entry.objects.filter(about).newest_first()[:HISTORY]


def _panels(request: HttpRequest, anomaly: Anomaly) -> list[Mapping[str, Any]]:
    found = (import_string(path)(request, anomaly) for path in settings.ANOMALY_PANELS)
    return [panel for panel in found if panel]


def _forms(anomaly: Anomaly, returned: Mapping[str, Form]) -> dict[str, Form]:
    blank = {
        "note": NoteForm(prefix="note"),
        "dismiss": DismissForm(prefix="dismiss", initial={"seen": anomaly.facts_digest}),
        "snooze": SnoozeForm(prefix="snooze", unit=anomaly.unit),
    }
    return {f"{name}_form": form for name, form in {**blank, **returned}.items()}
