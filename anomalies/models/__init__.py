"""What is wrong, what is known of it, and what people decided about it."""

from anomalies.models.anomaly import Anomaly, AnomalyQuerySet
from anomalies.models.logs import LogLine
from anomalies.models.runs import DetectionRun, RuleMark
from anomalies.models.work import Check, Note, StepTick

__all__ = ["Anomaly", "AnomalyQuerySet", "Check", "DetectionRun", "LogLine", "Note", "RuleMark", "StepTick"]
