"""Everything the page of a subject shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from anomalies.explanation import RuleExplanation, explain
from anomalies.listing import listed
from anomalies.models import Anomaly
from anomalies.telling import Told, asked, cleared, unmasked
from anomalies.timeline import Step, steps, timeline
from systems.base import Personal, SubjectKind, System
from systems.reading import Questions

MOST = 20


@dataclass
class Answers:
    """What one visit to the source brings."""

    steps: list[Step]
    described: Mapping[Any, Any] = field(default_factory=dict)
    explained: list[RuleExplanation] = field(default_factory=list)


def portrait(
    request: HttpRequest, system: System, kind: SubjectKind, subject: str, *, now: datetime, clear: bool = False
) -> dict[str, Any]:
    def ask(source: Questions | None) -> Answers:
        told = steps(timeline(system, source, kind.slug, subject, now))
        if source is None:
            return Answers(told)
        return Answers(told, kind.describe(source, subject), explain(system, source, kind.slug, subject))

    answers, unavailable = asked(system, ask, now=now)
    known = Anomaly.objects.for_subject(system.slug, kind.slug, subject).select_related("owner").newest_first()
    return {
        "system": system,
        "kind": kind,
        "subject": subject,
        "described": unmasked(answers.described) if clear else answers.described,
        "explained": answers.explained,
        "timeline": Told([cleared(step) for step in answers.steps] if clear else answers.steps),
        "unavailable": unavailable,
        "holds_personal": _holds_personal(answers),
        "anomalies": listed(known[:MOST]),
        "corrections": [one for one in system.corrections if one.subject_kind == kind.slug],
        "panels": _panels(request, system, kind, subject),
        "clear": clear,
        "now": now,
    }


def _holds_personal(answers: Answers) -> bool:
    shown = [*answers.described.values(), *(value for step in answers.steps for value in step.event.details.values())]
    return any(isinstance(value, Personal) for value in shown)


def _panels(request: HttpRequest, system: System, kind: SubjectKind, subject: str) -> list[Mapping[str, Any]]:
    found = (import_string(path)(request, system.slug, kind.slug, subject) for path in settings.SUBJECT_PANELS)
    return [panel for panel in found if panel]
