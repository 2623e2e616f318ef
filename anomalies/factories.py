"""Anomalies for tests, the bench and nobody else: in production they come from detection alone."""

from datetime import UTC, datetime
from typing import Any

import factory

from anomalies.identifiers import identifiers
from anomalies.models import Anomaly, Check, DetectionRun, LogLine, Note
from anomalies.models.states import Decision, Dismissal, Presence
from systems.base import Severity, Verdict

MOMENT = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


class AnomalyFactory(factory.django.DjangoModelFactory):
    """An open anomaly of the made-up paperclip shop; traits name other situations."""

    class Meta:
        model = Anomaly

    system = "paperclips"
    rule = "shipped_unpaid"
    subject_kind = "order"
    subject = factory.Sequence(lambda number: str(number + 1))
    fingerprint = factory.LazyAttribute(lambda made: f"{made.system}:{made.rule}:{made.subject}")
    facts = factory.LazyAttribute(lambda made: {"order_id": made.subject, "total": made.amount})
    ids = factory.LazyAttribute(lambda made: identifiers(made.subject, made.facts))
    facts_digest = "as it was"
    verdict = Verdict.ANOMALY
    severity = Severity.MAJOR
    observed_at = MOMENT
    first_seen_at = MOMENT
    last_seen_at = factory.LazyAttribute(lambda made: made.first_seen_at)
    checked_at = factory.LazyAttribute(lambda made: made.last_seen_at)
    amount = 500
    unit = factory.LazyAttribute(lambda made: None if made.amount is None else "JPY")

    class Params:
        by: Any = None  # who decided, for the traits below
        snoozed = factory.Trait(
            decision=Decision.SNOOZED,
            decided_at=MOMENT,
            decided_by=factory.SelfAttribute("by"),
            snoozed_until=datetime(2026, 11, 9, 3, 0, tzinfo=UTC),
        )
        dismissed = factory.Trait(
            decision=Decision.DISMISSED,
            decided_at=MOMENT,
            decided_by=factory.SelfAttribute("by"),
            decided_digest="as it was",
            decision_note="A sample for a fair.",
            dismissal=Dismissal.EXPECTED,
        )
        settled = factory.Trait(
            decision=Decision.SETTLED,
            decided_at=MOMENT,
            settled_by="00000000-0000-4000-8000-000000000001",
        )
        cleared = factory.Trait(presence=Presence.ABSENT)


class DetectionRunFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = DetectionRun

    system = "paperclips"
    state = "done"
    trigger = "schedule"
    actor_id = "job:detect_paperclips"
    actor = "detect_paperclips"
    started_at = MOMENT
    finished_at = factory.LazyAttribute(lambda made: None if made.state == "running" else made.started_at)
    until = factory.LazyAttribute(lambda made: made.started_at)
    error = factory.LazyAttribute(lambda made: "broken" if made.state == "failed" else "")


class CheckFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Check

    anomaly = factory.SubFactory(AnomalyFactory)
    at = MOMENT
    event = "found"
    presence = Presence.SEEN
    verdict = Verdict.ANOMALY


class NoteFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Note

    anomaly = factory.SubFactory(AnomalyFactory)
    at = MOMENT
    text = "Asked the bank."


class LogLineFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = LogLine

    system = "paperclips"
    subject = "1"
    at = MOMENT
    source = "till"
    level = "info"
    message = "The till rang."
    digest = factory.Sequence(str)
