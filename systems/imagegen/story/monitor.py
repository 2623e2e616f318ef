"""What the source's own hourly monitor would have written: an entry at minute 7 for each hour that held an anomaly.

Its window is two hours, so the same anomaly is normally written down twice.
"""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from systems.imagegen.story.tables import Row, Tables

WATCHED = {
    "refund_for_succeeded_job",
    "consumption_without_refund_for_failed_job",
    "succeeded_job_without_consumption",
}
WINDOW = timedelta(hours=2)
HOUR = timedelta(hours=1)


def write_audit_log(random: Random, tables: Tables, found: dict[str, list[tuple[str, str]]], now: datetime) -> None:
    jobs = {row["id"]: row for row in tables.rows["image_jobs"]}
    runs: dict[datetime, list[Row]] = {}
    for rule, subject in (pair for pairs in found.values() for pair in pairs):
        if rule in WATCHED:
            for run in _runs_after(jobs[subject]["updated_at"], now):
                runs.setdefault(run, []).append(_anomaly(rule, jobs[subject]))
    for run in sorted(runs):
        tables.add("admin_audit_log", **_entry(random, run, runs[run]))


def _runs_after(at: datetime, now: datetime) -> list[datetime]:
    first = at.replace(minute=7, second=0, microsecond=0)
    first += HOUR if first < at else timedelta(0)
    return [run for run in (first, first + HOUR) if run <= now]


def _anomaly(rule: str, job: Row) -> Row:
    observed = {"anomaly_type": rule, "job_id": job["id"], "user_id": job["user_id"], "job_status": job["status"]}
    return observed | {"observed_at": job["updated_at"].isoformat()}


def _entry(random: Random, run: datetime, anomalies: list[Row]) -> Row:
    told = {"count": len(anomalies), "since": (run - WINDOW).isoformat(), "sample": anomalies[:20]}
    return {
        "id": str(UUID(int=random.getrandbits(128), version=4)),
        "admin_user_id": None,
        "action_type": "generation_billing_anomaly_detected",
        "target_type": "credit_transactions",
        "metadata": told | {"auto_remediation": False, "source": "cron"},
        "created_at": run,
    }
