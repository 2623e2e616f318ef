"""What runs by the clock for the audit log: its anchors, its verification, and the seal on who read it."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from audit import anchors, inspection, reading
from audit.verification import Verdict
from jobs.models import Letter
from jobs.queue import app
from jobs.registry import Job

EVERY_TEN_MINUTES, HOURLY, DAILY = "*/10 * * * *", "25 * * * *", "35 4 * * *"


class Untrustworthy(RuntimeError):
    """The log was examined and is not intact: the run of the job failed, and says why."""


def anchor(now: datetime) -> str:
    noted = anchors.write(now)
    if noted is None:
        return _("No file is named for anchors (AUDIT_ANCHOR_FILE).")
    return _("Anchored up to position %(position)d.") % {"position": noted.position}


@app.task(name="jobs.anchor_audit_log", queue="notify")
def anchor_now() -> str:
    """After an entry about money or rights; the database itself asks for it (migrations/0003_anchoring.sql)."""
    return anchor(timezone.now())


def letter_footer(letter: Letter) -> str:
    """Every reader of a letter is a witness: it carries the head of the log as it was when the letter left."""
    return anchors.footer(timezone.now())


def verify(now: datetime) -> str:
    return _examined(now, fast=True)


def verify_thoroughly(now: datetime) -> str:
    return _examined(now, fast=False)


def _examined(now: datetime, *, fast: bool) -> str:
    finding = inspection.keep(now, by="job:verify_audit_log", fast=fast)
    if finding.verdict == Verdict.BROKEN:
        raise Untrustworthy(finding.sentence())
    return finding.sentence()


def seal_readings(now: datetime) -> str:
    count = reading.seal(now)
    return ngettext("%(count)d reading sealed.", "%(count)d readings sealed.", count) % {"count": count}


JOBS = (
    Job(
        "anchor_audit_log",
        EVERY_TEN_MINUTES,
        anchor,
        gettext_lazy("Notes the head of the audit log outside of the database."),
    ),
    Job("verify_audit_log", HOURLY, verify, gettext_lazy("Verifies the whole audit log, in the database.")),
    Job(
        "verify_audit_log_thoroughly",
        DAILY,
        verify_thoroughly,
        gettext_lazy("Verifies the whole audit log again with the stand-alone verifier."),
    ),
    Job(
        "seal_audit_readings",
        "15 * * * *",
        seal_readings,
        gettext_lazy("Seals the record of who read the audit log with one entry in it."),
    ),
)
