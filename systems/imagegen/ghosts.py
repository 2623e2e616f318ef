"""The steps that should be on a job's timeline and are not."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from systems.base import Event, Row, Text
from systems.imagegen.events import OURS, UNIT
from systems.imagegen.prices import price
from systems.imagegen.source import JobFile

STALE = timedelta(seconds=360)  # of processing, after which the worker counts a try as failed
LONG_QUEUE = timedelta(hours=1)
AFTER_CHARGE = {"generating", "uploading", "persisting"}


def of(file: JobFile, now: datetime) -> Iterator[Event]:
    if file.job is None:
        yield from _without_its_job(file)
        return
    for missing in (_start, _charge, _image, _completion, _refund):
        if ghost := missing(file, now):
            yield ghost
    yield from _audit(file)


def _without_its_job(file: JobFile) -> Iterator[Event]:
    if file.ledger:
        at = next((row["created_at"] for row in file.ledger if row["created_at"]), None)
        yield _ghost(at, "job", _("The job itself"), marks=(_("its owner may have deleted it"),))


def _start(file: JobFile, now: datetime) -> Event | None:
    job = file.job
    if job["status"] == "queued" and now - job["updated_at"] > LONG_QUEUE:
        return _ghost(job["updated_at"] + LONG_QUEUE, "job", _("A try"), marks=(_("waiting for more than an hour"),))
    return None


def _charge(file: JobFile, now: datetime) -> Event | None:
    """Due before anything is generated; a job that failed without one could not be paid, which is right."""
    job = file.job
    at_work = job["status"] == "processing" and job["processing_stage"] in AFTER_CHARGE
    if file.charges or job["free_by_design"] or not (job["status"] == "succeeded" or at_work):
        return None
    listed = price(job["model"], created_at=job["created_at"], images=job["requested_image_count"])
    marks = (_("the amount is the list price"),)
    return _ghost(job["started_at"] or job["created_at"], "ledger", _("Charge"), amount=-listed, marks=marks)


def _image(file: JobFile, now: datetime) -> Event | None:
    if file.job["status"] == "succeeded" and not file.images:
        return _ghost(_end_of(file.job), "image", _("Image"), marks=(_("it may have been deleted by its owner"),))
    return None


def _completion(file: JobFile, now: datetime) -> Event | None:
    job = file.job
    if job["status"] in ("succeeded", "failed") and not job["completed_at"]:
        return _ghost(job["updated_at"], "job", _("Time of completion"))
    if job["status"] == "processing":
        due = (job["started_at"] or job["updated_at"]) + STALE
        if due < now:
            return _ghost(due, "job", _("End of the try"), marks=(_("after 360 s a try counts as failed"),))
    return None


def _refund(file: JobFile, now: datetime) -> Event | None:
    if file.job["status"] != "failed" or not file.charges or file.refunds:
        return None
    charged = -sum(row["amount"] for row in file.charges)
    return _ghost(_end_of(file.job), "ledger", _("Refund"), amount=charged)


def _audit(file: JobFile) -> Iterator[Event]:
    """A manual correction must be audited with job_id, tx_id and reason."""
    told = [row["metadata"] for row in file.audit if isinstance(row["metadata"], Mapping)]
    audited = {metadata.get("tx_id") for metadata in told} | {row["target_id"] for row in file.audit}
    for row in file.ledger:
        by_hand = row["transaction_type"] == "admin_deduction" or row["metadata"].get("source") == OURS
        if by_hand and str(row["id"]) not in audited:
            marks = (_("a manual correction must name job_id, tx_id and reason"),)
            yield _ghost(row["created_at"], "audit", _("Audit entry"), marks=marks)


def _end_of(job: Row) -> datetime:
    return job["completed_at"] or job["updated_at"]


def _ghost(
    at: datetime | None, kind: str, title: Text, amount: int | None = None, marks: tuple[Text, ...] = ()
) -> Event:
    unit = UNIT if amount is not None else None
    return Event(at=at, kind=kind, title=title, amount=amount, unit=unit, ghost=True, marks=marks)
