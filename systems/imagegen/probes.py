"""How we know that the source is alive and its books are sound, and what its tables cannot tell."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from systems.base import Level, Measurement, Probe, RoomJob, Row, Source, Text
from systems.imagegen import deployment
from systems.imagegen.vocabulary import STATUSES

JOBS: tuple[RoomJob, ...] = ()

STALE = timedelta(seconds=360)
QUIET = {"warning": 2 * 3600, "critical": 6 * 3600}  # seconds without a new row; nights in Japan are quiet
TOO_FEW = 0.4  # of what is usual by this hour
ENOUGH_TO_TELL = 20
FAILED_SHARE = {"warning": 10, "critical": 25}  # per cent of the jobs that ended


def midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _seen_today(statement: str, rows: Any) -> Any:
    """Rows of the UTC day, against what is usual by this hour."""

    def measure(source: Source) -> Measurement:
        row = source.one(statement, since=midnight(source.now))
        seen, usual = row["seen"], round(row["usual"])
        few = usual >= ENOUGH_TO_TELL and seen < TOO_FEW * usual
        told = {"rows": rows % seen, "usual": usual}
        why = _("%(rows)s today (UTC day); usual by this hour: %(usual)d.") % told
        limits = {"warning_below": round(TOO_FEW * usual)} if usual >= ENOUGH_TO_TELL else {}
        detail = {"day": midnight(source.now).date().isoformat(), "zone": "UTC", "usual": usual, "limits": limits}
        return Measurement(level=Level.WARNING if few else Level.OK, why=why, value=seen, detail=detail)

    return measure


def _freshness(statement: str, volume: str, empty: Text) -> Any:
    def measure(source: Source) -> Measurement:
        at = source.one(statement)["at"]
        if at is None:
            return Measurement(level=Level.UNKNOWN, why=str(empty))
        age = max(int((source.now - at).total_seconds()), 0)
        per_day = round(source.one(volume, since=source.now)["per_day"])
        level = _above(age, QUIET)
        why = _("The newest is %(minutes)d minutes old.") % {"minutes": age // 60}
        detail = {"event_at": at.isoformat(), "received_at": source.now.isoformat(), "expected_per_day": per_day}
        return Measurement(level=level, why=why, value=age, detail=detail | {"limits": QUIET})

    return measure


def _statuses(days: int) -> Any:
    """Where the jobs stand, and whether too many failed. A status we do not know is a label like any other."""

    def measure(source: Source) -> Measurement:
        since = midnight(source.now) - timedelta(days=days)
        counts = {row["status"]: row["jobs"] for row in source.rows("job_statuses", since=since)}
        ended = counts.get("succeeded", 0) + counts.get("failed", 0)
        share = round(100 * counts.get("failed", 0) / ended) if ended else 0
        unknown = sorted(counts.keys() - STATUSES.keys())
        level = _above(share, FAILED_SHARE) if ended >= ENOUGH_TO_TELL else Level.OK
        why = _("%(share)d %% of the jobs that ended have failed (%(failed)d of %(ended)d).")
        why %= {"share": share, "failed": counts.get("failed", 0), "ended": ended}
        if unknown:
            level = Level.WARNING if level == Level.OK else level
            why = " ".join((why, _("Unknown status: %s.") % ", ".join(unknown)))
        detail = {"labels": counts, "limits": FAILED_SHARE, "since": since.isoformat(), "zone": "UTC"}
        return Measurement(level=level, why=why, value=share, detail=detail)

    return measure


def _stale(source: Source) -> Measurement:
    rows = source.rows("stale_jobs", before=source.now - STALE)
    total = rows[0]["total"] if rows else 0
    why = ngettext("%d job is at work for more than 360 s.", "%d jobs are at work for more than 360 s.", total) % total
    return Measurement(level=Level.WARNING if total else Level.OK, why=why, value=total, detail=deployment.shown(rows))


def _unexplained(source: Source) -> Measurement:
    """A notice: it cannot say which side is wrong."""
    rows = source.rows("unexplained_balances")
    why = _("%d users have another balance than the ledger less the expiries.") % _total(rows)
    level = Level.WARNING if rows else Level.OK
    return Measurement(level=level, why=why, value=_total(rows), detail=deployment.shown(rows))


def _unequal_purses(source: Source) -> Measurement:
    rows = source.rows("unequal_purses")
    why = _("%d users have another balance than their paid and free credits together.") % _total(rows)
    level = Level.CRITICAL if rows else Level.OK
    return Measurement(level=level, why=why, value=_total(rows), detail=deployment.shown(rows))


def _total(rows: Sequence[Row]) -> int:
    return rows[0]["total"] if rows else 0


def _above(value: int, limits: dict[str, int]) -> Level:
    if value >= limits["critical"]:
        return Level.CRITICAL
    return Level.WARNING if value >= limits["warning"] else Level.OK


PROBES = (
    Probe(
        code="jobs_today",
        title=gettext_lazy("Jobs seen today"),
        unit="jobs",
        measure=_seen_today("jobs_seen", ngettext_lazy("%d job", "%d jobs")),
        source="Monitoring",
    ),
    Probe(
        code="ledger_rows_today",
        title=gettext_lazy("Ledger rows seen today"),
        unit="rows",
        measure=_seen_today("ledger_rows_seen", ngettext_lazy("%d ledger row", "%d ledger rows")),
        source="Monitoring",
    ),
    Probe(
        code="newest_job",
        title=gettext_lazy("Age of the newest job"),
        unit="seconds",
        measure=_freshness("newest_job", "jobs_seen", gettext_lazy("There is no job.")),
        source="Monitoring",
    ),
    Probe(
        code="newest_ledger_row",
        title=gettext_lazy("Age of the newest ledger row"),
        unit="seconds",
        measure=_freshness("newest_ledger_row", "ledger_rows_seen", gettext_lazy("There is no dated ledger row.")),
        source="Monitoring",
    ),
    Probe(
        code="job_status_today",
        title=gettext_lazy("Jobs created today that failed"),
        unit="percent",
        measure=_statuses(0),
        source="Triage Procedure 1",
    ),
    Probe(
        code="job_status_week",
        title=gettext_lazy("Jobs of seven days that failed"),
        unit="percent",
        measure=_statuses(6),
        source="Triage Procedure 1",
    ),
    Probe(
        code="stale_jobs",
        title=gettext_lazy("Jobs at work for too long"),
        unit="jobs",
        measure=_stale,
        source="Triage Procedure 1",
    ),
    Probe(
        code="balance_identity",
        title=gettext_lazy("Balances the ledger does not explain"),
        unit="users",
        measure=_unexplained,
        source="Triage Procedure 2",
    ),
    Probe(
        code="purse_identity",
        title=gettext_lazy("Balances that are not paid and free together"),
        unit="users",
        measure=_unequal_purses,
        source="Triage Procedure 2",
    ),
    *deployment.PROBES,
)
