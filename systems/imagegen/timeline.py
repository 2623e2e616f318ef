"""Everything the source knows about a job, a ledger row, an image or a user, in order of time, and what is missing.

The tables hold only the present: a retry leaves a number and the last error, a status change leaves the newest time.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from systems.base import Event, Personal, Row, Source
from systems.imagegen import events, ghosts
from systems.imagegen import source as asked
from systems.imagegen.events import told
from systems.imagegen.vocabulary import GENERATION_TYPES, STAGES, STATUSES, word

TOUCHED_LATER = timedelta(minutes=1)


def of_job(source: Source, job_id: str) -> Sequence[Event]:
    file = asked.job_file(source, job_id)
    known = [
        *(job_steps(file.job) if file.job else []),
        *(events.ledger(row, file.job) for row in file.ledger),
        *(events.image(row) for row in file.images),
        *(event for row in file.allocations for event in events.allocation(row)),
        *(events.audit(row) for row in file.audit),
    ]
    return in_order([*known, *ghosts.of(file, source.now)])


def of_transaction(source: Source, transaction_id: str) -> Sequence[Event]:
    """Its job's, when it has one; otherwise what hangs on the row itself."""
    row = asked.ledger_row(source, transaction_id)
    if not row:
        return []
    job_id = asked.job_meant(row)
    if job_id and (found := of_job(source, job_id)):
        return found
    image = asked.image(source, str(row["related_generation_id"])) if row["related_generation_id"] else None
    batches = asked.rows(source, "batches_of_transactions", transaction_ids=[transaction_id])
    audit = asked.rows(source, "audit_naming", ids=[transaction_id], job_id=transaction_id)
    return in_order(
        [
            events.ledger(row),
            *([events.image(image)] if image else []),
            *map(events.batch, batches),
            *map(events.audit, audit),
        ]
    )


def of_image(source: Source, image_id: str) -> Sequence[Event]:
    """Its job's: the one it names, or the one that the ledger rows naming it name."""
    image = asked.image(source, image_id)
    if not image:
        return []
    charges = asked.rows(source, "charge_of_image", image_id=image_id)
    named = [image["image_job_id"], *(asked.job_meant(row) for row in charges)]
    for job_id in filter(None, named):
        if found := of_job(source, str(job_id)):
            return found
    rows = (asked.ledger_row(source, str(row["id"])) for row in charges)
    return in_order([events.image(image), *(events.ledger(row) for row in rows if row)])


def of_user(source: Source, user_id: str) -> Sequence[Event]:
    jobs = asked.rows(source, "user_jobs", user_id=user_id)
    return in_order(
        [
            *(events.ledger(row) for row in asked.rows(source, "user_ledger", user_id=user_id)),
            *(_job_of_user(row) for row in jobs),
            *(events.batch(row) for row in asked.rows(source, "user_batches", user_id=user_id)),
            *(events.expiration(row) for row in asked.rows(source, "user_expirations", user_id=user_id)),
            *(events.audit(row) for row in asked.rows(source, "audit_naming", ids=[user_id], job_id=user_id)),
        ]
    )


# The job's own steps -------------------------------------------------------------------------------------------------


def job_steps(job: Row) -> Iterable[Event]:
    yield _step(job["created_at"], _("Job created"), _created(job))
    if job["attempts"] and (retries := _retries(job)):
        yield retries
    if job["started_at"]:
        yield _step(job["started_at"], _("Try %d started") % _latest_try(job))
    if job["status"] == "queued" and job["attempts"]:
        yield _step(job["updated_at"], _("Back in the queue"), {_("Error"): job["error_message"]})
    if job["completed_at"]:
        yield _step(job["completed_at"], _ended(job), _outcome(job), _end_marks(job))
    if job["updated_at"] - _latest_known(job) > TOUCHED_LATER:
        yield _step(job["updated_at"], _("Row changed; what changed is not stored"), _outcome(job))


def _step(at: datetime | None, title: str, details: dict | None = None, marks: tuple = ()) -> Event:
    return Event(at=at, kind="job", title=title, details=told(details or {}), marks=marks)


def _created(job: Row) -> dict[str, Any]:
    return {
        _("Type"): word(GENERATION_TYPES, job["generation_type"]),
        _("Model"): job["model"],
        _("Images asked for"): job["requested_image_count"],
        _("Prompt"): Personal(job["prompt_text"]) if job["prompt_text"] else None,
        _("Billing"): _("free by design") if job["free_by_design"] else None,
    }


def _retries(job: Row) -> Event | None:
    """The tries before the last one: how many is known, when is not."""
    earlier = job["attempts"] - (job["status"] == "failed")
    if earlier <= 0:
        return None
    title = ngettext("%d earlier try failed", "%d earlier tries failed", earlier) % earlier
    return _step(None, title, {_("Error"): job["error_message"]}, (_("when is not stored"),))


def _latest_try(job: Row) -> int:
    return max(job["attempts"] + (job["status"] != "failed"), 1)


def _ended(job: Row) -> str:
    ends = {"succeeded": _("Job succeeded"), "failed": _("Job failed for good")}
    return ends.get(job["status"], _("Completed, yet the job is not done"))


def _outcome(job: Row) -> dict[str, Any]:
    return {
        _("Status"): word(STATUSES, job["status"]),
        _("Stage"): word(STAGES, job["processing_stage"]),
        _("Failed tries"): job["attempts"] or None,
        _("Error"): job["error_message"],
    }


def _end_marks(job: Row) -> tuple[str, ...]:
    return (_("free by design: no charge is expected"),) if job["free_by_design"] else ()


def _latest_known(job: Row) -> datetime:
    moments = [job["created_at"], job["started_at"], job["completed_at"]]
    if job["status"] == "queued" and job["attempts"]:
        moments.append(job["updated_at"])
    return max(filter(None, moments))


def _job_of_user(row: Row) -> Event:
    details = {
        _("Status"): word(STATUSES, row["status"]),
        _("Model"): row["model"],
        _("Failed tries"): row["attempts"] or None,
        _("Error"): row["error_message"],
    }
    links = (events.subject_link("job", row["id"]),)
    return Event(at=row["created_at"], kind="job", title=_("Job created"), details=told(details), links=links)


def in_order(known: Iterable[Event]) -> list[Event]:
    """By time; what has none comes first, where it cannot be overlooked."""
    return sorted(known, key=lambda event: (event.at is not None, event.at.timestamp() if event.at else 0))
