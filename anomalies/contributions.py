"""What this engine adds to timelines: log lines, what checks saw, and what people did about the anomalies."""

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext as _

from anomalies import rooms
from anomalies.models import Anomaly, Check, LogLine
from audit.models import Entry
from audit.templatetags.audit import named, words
from billingadmin.masking import without_emails
from systems.base import Event, Personal

MOST = 200  # of each kind: a subject with more has a list of its own


def timeline(slug: str, kind: str, subject: str) -> Iterator[Event]:
    anomalies = list(Anomaly.objects.for_subject(slug, kind, subject).only("pk", "rule")[:MOST])
    yield from _checks(slug, anomalies)
    yield from _entries(slug, kind, subject, anomalies)
    yield from _log_lines(slug, subject)


def _checks(slug: str, anomalies: list[Anomaly]) -> Iterator[Event]:
    rules = {anomaly.pk: str(rooms.named(slug, anomaly.rule).title) for anomaly in anomalies}
    for check in Check.objects.filter(anomaly__in=rules).order_by("-at", "-pk")[:MOST]:
        yield Event(
            at=check.at,
            kind="check",
            title=f"{rules[check.anomaly_id]}: {check.get_event_display()}",
            details={_("detection run"): check.run_id} if check.run_id else {},
        )


def _entries(slug: str, kind: str, subject: str, anomalies: list[Anomaly]) -> Iterator[Event]:
    about = Q(target_type="anomaly", target_id__in=[str(anomaly.pk) for anomaly in anomalies])
    about |= Q(target_type="subject", target_id=subject_target(slug, kind, subject))
    for entry in Entry.objects.filter(about).newest_first()[:MOST]:
        details = {_("reason"): entry.reason} if entry.reason else {}
        yield Event(
            at=entry.at, kind="audit", title=f"{words(entry.action_type)}, {named(entry.actor)}", details=details
        )


def _log_lines(slug: str, subject: str) -> Iterator[Event]:
    for line in LogLine.objects.about(slug, subject).order_by("-at", "-pk")[:MOST]:
        told = {_("log"): line.source, _("level"): line.level, "request_id": line.request_id}
        title = without_emails(line.message)
        if title != line.message:
            told["message"] = Personal(line.message)
        yield Event(at=line.at, kind="log", title=title, details={key: text for key, text in told.items() if text})


def subject_target(slug: str, kind: str, subject: str) -> str:
    """How the audit log names a subject."""
    return f"{slug}/{kind}/{subject}"
