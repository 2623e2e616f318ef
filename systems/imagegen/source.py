"""Every question asked of the source."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from systems.base import Requirement, Row, Source, uuid_ranges
from systems.imagegen.vocabulary import as_uuid, names_a_job

# Facts ---------------------------------------------------------------------------------------------------------------

# Whole tables are joined on text about which the planner knows nothing: it fears long chains, and sorts both instead.
HASHING = {"enable_mergejoin": "off", "enable_nestloop": "off", "work_mem": "64MB"}
JOBS_AT_ONCE = 2_500_000  # in one pass of a whole sweep; more passes bound its memory and tell its progress

# The first has no condition: by a partial index PostgreSQL keeps no statistics, and takes each id for one in 200.
INDEXES = (
    Requirement(
        name="credit_transactions_job",
        statement=(
            "create index concurrently if not exists credit_transactions_job on public.credit_transactions "
            "(lower(metadata ->> 'job_id'), user_id)"
        ),
        cost=_("Each window reads the whole ledger: seconds for a million rows, instead of milliseconds."),
    ),
    Requirement(
        name="credit_transactions_created_at",
        statement=(
            "create index concurrently if not exists credit_transactions_created_at "
            "on public.credit_transactions (created_at)"
        ),
        cost=_("Each window looks for its ledger rows among all there are."),
    ),
    Requirement(
        name="image_jobs_updated_at",
        statement="create index concurrently if not exists image_jobs_updated_at on public.image_jobs (updated_at)",
        cost=_("Each window looks for its jobs among all there are."),
    ),
)


def passes(source: Source) -> list[tuple[UUID | None, UUID | None]]:
    """All ids in as many ranges as the jobs need."""
    jobs = source.one("jobs_estimated")["jobs"]
    return uuid_ranges(1 + jobs // JOBS_AT_ONCE)


# Subjects and their timelines ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class JobFile:
    """A job and every row about it. ``charges`` and ``refunds`` are those that the source itself counts for it."""

    job: Row | None
    ledger: list[Row]
    images: list[Row]
    allocations: list[Row]
    audit: list[Row]

    @property
    def charges(self) -> list[Row]:
        return [row for row in self.ledger if row["transaction_type"] == "consumption" and self.counts(row)]

    @property
    def refunds(self) -> list[Row]:
        return [row for row in self.ledger if row["transaction_type"] == "refund" and self.counts(row)]

    def counts(self, row: Row) -> bool:
        own = self.job is not None and row["user_id"] == self.job["user_id"]
        return own and row["job_id_type"] == "string" and names_a_job(row["job_id_text"])


def job_file(source: Source, job_id: str) -> JobFile:
    ledger = ledger_of_job(source, job_id)
    images = [row["related_generation_id"] for row in ledger if row["related_generation_id"]]
    named = [job_id, *(str(row["id"]) for row in ledger)]
    return JobFile(
        job=job(source, job_id),
        ledger=ledger,
        images=rows(source, "images_of_job", job_id=job_id, image_ids=images),
        allocations=rows(source, "allocations_of_job", job_id=job_id),
        audit=rows(source, "audit_naming", ids=named, job_id=job_id),
    )


def ledger_of_job(source: Source, job_id: str) -> list[Row]:
    return rows(source, "ledger_of_job", spellings=spellings(job_id))


def spellings(job_id: str) -> list[str]:
    """How a uuid gets written by mistake, beside in capitals. A list, so that an index finds them."""
    blanks = ("", " ", "\n", "\r\n", "\t")
    padded = [f"{before}{job_id}{after}" for before in blanks for after in blanks]
    return [*padded, f"{{{job_id}}}", f'"{job_id}"', f"urn:uuid:{job_id}", job_id.replace("-", "")]


def job(source: Source, job_id: str) -> Row | None:
    return _one(rows(source, "job", job_id=job_id))


def ledger_row(source: Source, transaction_id: str) -> Row | None:
    return _one(rows(source, "transaction", transaction_id=transaction_id))


def image(source: Source, image_id: str) -> Row | None:
    return _one(rows(source, "image", image_id=image_id))


def job_meant(row: Row) -> str | None:
    """The job a ledger row means, also when it spells it so that the source does not see it."""
    return as_uuid(row["job_id_text"]) if row["job_id_text"] else None


JSON = ("metadata", "generation_metadata")


def rows(source: Source, name: str, **parameters: Any) -> list[Row]:
    """As the source answers, with its JSON read."""
    return [
        row | {key: json.loads(row[key]) for key in JSON if row.get(key)} for row in source.rows(name, **parameters)
    ]


def _one(found: list[Row]) -> Row | None:
    return found[0] if found else None
