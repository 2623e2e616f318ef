"""The rows of a story, table by table, and how they get into an empty database."""

import json
from typing import Any

from psycopg import sql

COLUMNS = {
    "image_jobs": (
        *("id", "user_id", "prompt_text", "input_image_url", "generation_type", "generation_metadata", "model"),
        *("background_mode", "source_image_type", "status", "processing_stage", "requested_image_count"),
        *("result_image_url", "error_message", "attempts", "created_at", "updated_at", "started_at", "completed_at"),
    ),
    "generated_images": (
        *("id", "user_id", "image_url", "storage_path", "prompt", "is_posted", "caption", "posted_at", "created_at"),
        *("image_job_id", "image_job_result_index", "model", "width", "height", "generation_type"),
        "moderation_status",
    ),
    "credit_transactions": (
        *("id", "user_id", "amount", "transaction_type", "stripe_payment_intent_id", "related_generation_id"),
        *("metadata", "created_at"),
    ),
    "user_credits": ("id", "user_id", "balance", "paid_balance", "created_at", "updated_at"),
    "free_percoin_batches": (
        *("id", "user_id", "amount", "remaining_amount", "granted_at", "expire_at", "source"),
        "credit_transaction_id",
    ),
    "free_percoin_expiration_log": (
        *("id", "batch_id", "user_id", "amount_expired", "original_amount", "granted_at", "expire_at", "source"),
        *("reason", "processed_at"),
    ),
    "generation_percoin_allocations": (
        *("id", "job_id", "user_id", "consumption_transaction_id", "refund_transaction_id", "allocation_kind"),
        *("source_batch_id", "source_expire_at", "amount", "created_at", "restored_at"),
    ),
    "admin_audit_log": ("id", "admin_user_id", "action_type", "target_type", "target_id", "metadata", "created_at"),
}
JSON = {"metadata", "generation_metadata"}

Row = dict[str, Any]


class Tables:
    """Rows by table, in the order in which the tables refer to each other. A row is a dict until it is copied."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {name: [] for name in COLUMNS}
        self.log: list[Row] = []  # what the edge function and the storage wrote down, outside the database
        self.books: list[Any] = []  # of every user in the story

    def add(self, table: str, **row: Any) -> Row:
        self.rows[table].append(row)
        return row

    def remove(self, table: str, row: Row) -> None:
        self.rows[table] = [kept for kept in self.rows[table] if kept is not row]


def copy(cursor: Any, table: str, rows: list[Row]) -> None:
    columns = COLUMNS[table]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier("public", table), names)
    with cursor.copy(statement) as stream:
        for row in rows:
            stream.write_row([_value(name, row.get(name)) for name in columns])


def _value(name: str, value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if name in JSON and value is not None else value
