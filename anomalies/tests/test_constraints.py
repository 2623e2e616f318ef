"""What must never be, the database forbids: each constraint, by the attempt to break it."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from anomalies.factories import (
    MOMENT,
    AnomalyFactory,
    CheckFactory,
    DetectionRunFactory,
    LogLineFactory,
    NoteFactory,
)
from anomalies.models import Anomaly, Check, DetectionRun, LogLine, Note, RuleMark, StepTick

pytestmark = pytest.mark.django_db

LATER = MOMENT + timedelta(days=1)

BROKEN = [
    ("anomaly_is_named", {"system": ""}),
    ("anomaly_is_named", {"rule": ""}),
    ("anomaly_is_named", {"fingerprint": ""}),
    ("anomaly_verdict_is_known", {"verdict": "maybe"}),
    ("anomaly_severity_is_known", {"severity": "huge"}),
    ("anomaly_presence_is_known", {"presence": "hidden"}),
    ("anomaly_decision_is_known", {"decision": "forgotten", "decided_at": MOMENT}),
    ("anomaly_amount_has_its_unit", {"amount": 500, "unit": None}),
    ("anomaly_amount_has_its_unit", {"amount": 500, "unit": ""}),
    ("anomaly_amount_has_its_unit", {"amount": None, "unit": "JPY"}),
    ("anomaly_occurs_at_least_once", {"occurrence": 0}),
    ("anomaly_is_seen_in_order", {"last_seen_at": MOMENT - timedelta(days=1)}),
    ("anomaly_is_seen_in_order", {"checked_at": MOMENT - timedelta(days=1)}),
    ("anomaly_claimed_means_an_owner", {"claimed_at": MOMENT}),
    ("anomaly_decision_has_its_moment", {"decision": "snoozed", "snoozed_until": LATER}),
    ("anomaly_decision_has_its_moment", {"decided_at": MOMENT}),
    ("anomaly_snoozed_means_until_when", {"decision": "snoozed", "decided_at": MOMENT}),
    ("anomaly_snoozed_means_until_when", {"snoozed_until": LATER}),
    ("anomaly_snoozed_means_until_when", {"grow_count": 5}),
    ("anomaly_dismissed_means_reason_and_note", {"dismissal": "expected"}),
    ("anomaly_settled_means_by_an_adjustment", {"decision": "settled", "decided_at": MOMENT}),
    ("anomaly_settled_means_by_an_adjustment", {"settled_by": "00000000-0000-4000-8000-000000000001"}),
]


@pytest.mark.parametrize(("constraint", "values"), BROKEN)
def test_an_anomaly_cannot_be(constraint, values):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        AnomalyFactory(**values)


def test_one_fingerprint_is_one_anomaly():
    AnomalyFactory(fingerprint="paperclips:shipped_unpaid:1")

    with pytest.raises(IntegrityError, match="anomaly_is_known_once"), transaction.atomic():
        AnomalyFactory(fingerprint="paperclips:shipped_unpaid:1")


def test_an_owner_has_claimed_at_some_moment(support):
    with pytest.raises(IntegrityError, match="anomaly_claimed_means_an_owner"), transaction.atomic():
        AnomalyFactory(owner=support)


@pytest.mark.parametrize("missing", [{"dismissal": ""}, {"decision_note": " \n"}, {"by": None}])
def test_nothing_is_dismissed_without_a_reason_a_note_and_somebody(support, missing):
    with pytest.raises(IntegrityError, match="anomaly_dismissed_means_reason_and_note"), transaction.atomic():
        AnomalyFactory(dismissed=True, **{"by": support, **missing})


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("run_state_is_known", {"state": "lost", "finished_at": MOMENT}),
        ("run_trigger_is_known", {"trigger": "moon"}),
        ("run_finished_means_when", {"state": "done", "finished_at": None}),
        ("run_finished_means_when", {"state": "running", "finished_at": MOMENT}),
        ("run_failed_means_why", {"state": "failed", "error": ""}),
    ],
)
def test_a_run_cannot_be(constraint, values):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        DetectionRunFactory(**values)


def test_a_rule_has_one_mark():
    RuleMark.objects.create(system="paperclips", rule="paid_twice", reached=MOMENT)

    with pytest.raises(IntegrityError, match="rule_has_one_mark"), transaction.atomic():
        RuleMark.objects.create(system="paperclips", rule="paid_twice", reached=LATER)


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("check_event_is_known", {"event": "dreamt"}),
        ("check_presence_is_known", {"presence": "hidden"}),
        ("check_verdict_is_known", {"verdict": "maybe"}),
    ],
)
def test_a_check_cannot_be(constraint, values):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        CheckFactory(**values)


def test_a_note_says_something(support):
    with pytest.raises(IntegrityError, match="note_says_something"), transaction.atomic():
        NoteFactory(author=support, text=" \n")


def test_a_step_is_ticked_once_an_occurrence(support):
    ticked = {"anomaly": AnomalyFactory(), "occurrence": 1, "step": "ask", "by": support, "at": MOMENT}
    StepTick.objects.create(**ticked)

    with pytest.raises(IntegrityError, match="step_is_ticked_once"), transaction.atomic():
        StepTick.objects.create(**ticked)


def test_a_log_line_is_kept_once():
    LogLineFactory(digest="the line")

    with pytest.raises(IntegrityError, match="log_line_is_kept_once"), transaction.atomic():
        LogLineFactory(digest="the line")


@pytest.mark.parametrize("model", [Check, Note, LogLine])
@pytest.mark.parametrize("statement", ["update {} set id = id", "delete from {}"])
def test_what_was_observed_or_said_stays(model, statement):
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(model._meta.db_table))


@pytest.mark.parametrize("model", [Anomaly, DetectionRun, RuleMark])
def test_what_detection_keeps_is_never_deleted(model):
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"delete from {model._meta.db_table}")


def test_the_state_follows_from_presence_and_decision(support):
    states = [
        (AnomalyFactory(), "open"),
        (AnomalyFactory(presence="subject_gone"), "open"),
        (AnomalyFactory(presence="not_checkable"), "open"),
        (AnomalyFactory(verdict="cannot_tell"), "open"),
        (AnomalyFactory(verdict="expected"), "expected"),
        (AnomalyFactory(cleared=True), "cleared"),
        (AnomalyFactory(snoozed=True, by=support), "snoozed"),
        (AnomalyFactory(snoozed=True, by=support, presence="absent"), "cleared"),
        (AnomalyFactory(dismissed=True, by=support), "dismissed"),
        (AnomalyFactory(dismissed=True, by=support, presence="absent"), "dismissed"),
        (AnomalyFactory(settled=True), "settled"),
    ]

    assert [Anomaly.objects.get(pk=made.pk).state for made, expected in states] == [state for made, state in states]


def test_a_run_is_named_by_its_system():
    assert str(DetectionRunFactory()).startswith("paperclips ")
    assert DetectionRun.objects.for_system("paperclips").done().count() == 1
