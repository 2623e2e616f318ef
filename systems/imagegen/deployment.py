"""The runbook's checks round a deployment: what would block the unique indexes before, and what must hold after."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from systems.base import Level, Measurement, Probe, Row, Source

NEW = timedelta(days=7)  # what counts as new data; an older anomaly is the queue's
LATE = {"warning": 2 * 3600, "critical": 6 * 3600}  # seconds since the last run of an hourly monitor


def duplicates(source: Source) -> Measurement:
    """Groups of one user, type and job_id text with more than one row."""
    rows = source.rows("duplicates")
    total, nulls = _total(rows), sum(row["job_id"] is None for row in rows)
    why = _("No two rows of a user name one job_id: nothing blocks the unique indexes.")
    if total > nulls:
        blocking = total - nulls
        why = ngettext("%d group of rows blocks the index.", "%d groups of rows block the index.", blocking) % blocking
    if nulls:
        apart = ngettext(
            "%d group is of rows whose job_id is null: no duplicates, but rows that name no job.",
            "%d groups are of rows whose job_id is null: no duplicates, but rows that name no job.",
            nulls,
        )
        why = f"{why} {apart % nulls}"
    level = Level.CRITICAL if total > nulls else Level.WARNING if total else Level.OK
    return Measurement(level=level, why=why, value=total, detail=shown(rows))


def succeeded_and_refunded(source: Source) -> Measurement:
    rows = source.rows("refunds_of_succeeded", since=source.now - NEW)
    why = _("%d refunds of the last seven days are for jobs that succeeded; there should be none.") % _total(rows)
    return _none_allowed(rows, why)


def failed_and_refunded_once(source: Source) -> Measurement:
    rows = source.rows("failed_not_refunded_once", since=source.now - NEW)
    why = _("%d jobs that failed in the last seven days were charged and not refunded exactly once.") % _total(rows)
    return _none_allowed(rows, why)


def refunded_during_retry(source: Source) -> Measurement:
    rows = source.rows("refunds_during_retry", since=source.now - NEW)
    why = _("%d refunds of the last seven days came before the last try of their job.") % _total(rows)
    return _none_allowed(rows, why)


def monitor(source: Source) -> Measurement:
    """The source stores nothing of a run that found nothing; only pg_cron's own record can tell silence from death."""
    entries = source.one("monitor_entries", since=source.now - timedelta(days=1))
    detail = {"entries_in_24_hours": entries["entries"], "entries_without_an_anomaly": entries["without_anomaly"]}
    visible = source.one("monitor_visible")
    if reason := _why_unseen(visible):
        return Measurement(level=Level.UNKNOWN, why=reason, detail=detail)
    runs = source.rows("monitor_runs")
    if not runs or not runs[0]["started_at"]:
        return Measurement(level=Level.CRITICAL, why=_("pg_cron has never run the monitor."), value=0, detail=detail)
    return _judged(runs, source.now, entries["without_anomaly"], detail | shown(runs))


def _why_unseen(visible: Row | None) -> str:
    if visible is None:
        return _("The source keeps no record of scheduled runs (there is no cron.job_run_details): cannot tell.")
    if not visible["allowed"]:
        return _("The reader may not read cron.job_run_details: cannot tell.")
    return _("A row policy hides runs in cron.job_run_details: cannot tell.") if visible["hidden"] else ""


def _judged(runs: Sequence[Row], now: datetime, without_anomaly: int, detail: dict[str, Any]) -> Measurement:
    age = max(int((now - runs[0]["started_at"]).total_seconds()), 0)
    level = Level.CRITICAL if age >= LATE["critical"] else Level.WARNING if age >= LATE["warning"] else Level.OK
    why = _("The hourly monitor ran %(minutes)d minutes ago.") % {"minutes": age // 60}
    if runs[0]["status"] == "failed":
        level, why = Level.CRITICAL, " ".join((why, _("It failed: %s") % (runs[0]["message"] or "?")))
    if without_anomaly:
        level = max(level, Level.WARNING, key=[Level.OK, Level.WARNING, Level.CRITICAL].index)
        why = " ".join((why, _("It wrote %d entries without an anomaly.") % without_anomaly))
    return Measurement(level=level, why=why, value=age, detail=detail | {"limits": LATE})


def _none_allowed(rows: Sequence[Row], why: str) -> Measurement:
    level = Level.CRITICAL if rows else Level.OK
    return Measurement(level=level, why=why, value=_total(rows), detail=shown(rows))


def _total(rows: Sequence[Row]) -> int:
    return rows[0]["total"] if rows else 0


def shown(rows: Sequence[Row]) -> dict[str, Any]:
    """The offenders as they are stored: plain values, under the source's own names."""
    return {"rows": [{name: _plain(value) for name, value in row.items() if name != "total"} for row in rows]}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case UUID():
            return str(value)
        case list():
            return ", ".join(str(item) for item in value)
        case None | str() | bool() | int():
            return value
        case _:
            return int(value)


PROBES = (
    Probe(
        code="predeploy_duplicates",
        title=gettext_lazy("Duplicate ledger rows"),
        unit="groups",
        measure=duplicates,
        source="Pre-Deploy Checklist 1",
    ),
    Probe(
        code="postdeploy_succeeded_refunded",
        title=gettext_lazy("Succeeded and refunded"),
        unit="refunds",
        measure=succeeded_and_refunded,
        source="Post-Deploy Validation 1",
    ),
    Probe(
        code="postdeploy_refunded_once",
        title=gettext_lazy("Failed, charged, not refunded once"),
        unit="jobs",
        measure=failed_and_refunded_once,
        source="Post-Deploy Validation 2",
    ),
    Probe(
        code="postdeploy_retry_refunds",
        title=gettext_lazy("Refunded during a retry"),
        unit="refunds",
        measure=refunded_during_retry,
        source="Post-Deploy Validation 3",
    ),
    Probe(
        code="source_monitor",
        title=gettext_lazy("The source's own hourly monitor"),
        unit="seconds",
        measure=monitor,
        source="Post-Deploy Validation 4",
    ),
)
