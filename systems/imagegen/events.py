"""One row of the source as one event on a timeline, with what a careful reader should not miss about it."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from systems.base import Event, Link, Personal, Row, Text
from systems.imagegen.purses import Purse
from systems.imagegen.vocabulary import MODERATION, TRANSACTIONS, as_uuid, names_a_job, word

UNIT = "credits"
EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
OURS = "billingadmin"  # metadata.source of what this console posted
BILLING = {"consumption", "refund"}
TOLD = ("reason", "source", "balance_type", "refund_mode", "idempotency_key", "reverses_tx_id", "note")
SPLITS = ("from_period_limited", "from_unlimited_bonus", "from_promo", "from_paid")
RETURNS = ("to_period_limited", "to_unlimited_bonus", "to_promo", "to_paid")


def ledger(row: Row, job: Row | None = None) -> Event:
    """``job`` is the one whose timeline this is, if any."""
    metadata = row["metadata"] if isinstance(row["metadata"], Mapping) else {}
    kind = word(TRANSACTIONS, row["transaction_type"])
    return Event(
        at=row["created_at"],
        kind="ledger",
        title=kind if row["transaction_type"] in TRANSACTIONS else _("Ledger row"),
        amount=row["amount"],
        unit=UNIT,
        details=told(
            {
                _("Transaction"): str(row["id"]),
                _("Type"): kind if row["transaction_type"] not in TRANSACTIONS else None,
                _("User"): str(row["user_id"]) if job and job["user_id"] != row["user_id"] else None,
                _("Image"): row["related_generation_id"] and str(row["related_generation_id"]),
                **{key: plain(metadata.get(key)) for key in TOLD},
                **{key: plain(metadata[key]) for key in (*SPLITS, *RETURNS) if metadata.get(key)},
            }
        ),
        marks=tuple(ledger_marks(row, job)),
        links=(subject_link("transaction", row["id"]),),
    )


def ledger_marks(row: Row, job: Row | None) -> list[Text]:
    marks = []
    if row["created_at"] is None:
        marks.append(_("has no date"))
    if row["metadata"] is None and row["transaction_type"] in BILLING:
        marks.append(_("has no metadata, so it names no job"))
    elif isinstance(row["metadata"], Mapping) and row["metadata"].get("source") == OURS:
        marks.append(_("posted by this console"))
    if job and job["user_id"] != row["user_id"]:
        marks.append(_("another user's row: the source does not count it for this job"))
    return marks + job_id_marks(row)


def job_id_marks(row: Row) -> list[Text]:
    """What is odd about how the row spells its job_id."""
    if row["job_id_type"] is None:
        return []
    if row["job_id_type"] == "null":
        return [_("job_id is null")]
    text = row["job_id_text"]
    if row["job_id_type"] != "string":
        return [_("job_id is no text (%s): the source reads it as no job") % text]
    if not names_a_job(text):
        return [_("job_id is written “%s”: the source reads it as no job") % text]
    return [_("job_id is in capitals: the unique indexes take it for another id")] if text != as_uuid(text) else []


def image(row: Row) -> Event:
    links = [subject_link("image", row["id"])]
    if is_safe(row["image_url"]):
        links.append(Link(label=_("open the image (private content)"), url=row["image_url"]))
    return Event(
        at=row["created_at"],
        kind="image",
        title=_("Image made"),
        details=told(
            {
                _("Image"): str(row["id"]),
                _("Storage path"): row["storage_path"],
                _("URL"): None if is_safe(row["image_url"]) else row["image_url"],
                _("Prompt"): Personal(row["prompt"]) if row["prompt"] else None,
                _("Model"): row["model"],
                _("Size"): f"{row['width']} × {row['height']}" if row["width"] and row["height"] else None,
                _("Moderation"): word(MODERATION, row["moderation_status"]),
            }
        ),
        marks=() if row["image_job_id"] else (_("names no job"),),
        links=tuple(links),
    )


def allocation(row: Row) -> Sequence[Event]:
    """What a purse paid, and its return when it was given back."""
    purse = word(dict(Purse.choices), row["allocation_kind"])
    details = told(
        {
            _("Purse"): purse,
            _("Charge"): row["consumption_transaction_id"] and str(row["consumption_transaction_id"]),
            _("Batch"): row["source_batch_id"] and str(row["source_batch_id"]),
            _("Batch expires"): row["source_expire_at"],
        }
    )
    paid = Event(
        at=row["created_at"],
        kind="allocation",
        title=_("Paid from a purse"),
        details=details,
        amount=-row["amount"],
        unit=UNIT,
    )
    return [paid, _given_back(row, purse)] if row["restored_at"] else [paid]


def _given_back(row: Row, purse: Text) -> Event:
    return Event(
        at=row["restored_at"],
        kind="allocation",
        title=_("Given back to the purse"),
        details=told({_("Purse"): purse, _("Refund"): str(row["refund_transaction_id"] or "") or None}),
        amount=row["amount"],
        unit=UNIT,
    )


def batch(row: Row) -> Event:
    return Event(
        at=row["granted_at"],
        kind="allocation",
        title=_("Free credits granted"),
        amount=row["amount"],
        unit=UNIT,
        details=told(
            {
                _("Batch"): str(row["id"]),
                _("Source"): row["source"],
                _("Left"): row["remaining_amount"],
                _("Expires"): row["expire_at"] or _("never"),
            }
        ),
    )


def expiration(row: Row) -> Event:
    return Event(
        at=row["processed_at"],
        kind="allocation",
        title=_("Free credits expired (not in the ledger)"),
        amount=-row["amount_expired"],
        unit=UNIT,
        details=told(
            {
                _("Batch"): str(row["batch_id"]),
                _("Source"): row["source"],
                _("Granted"): row["granted_at"],
                _("Expired"): row["expire_at"],
                _("Of"): row["original_amount"],
            }
        ),
    )


def audit(row: Row) -> Event:
    metadata = row["metadata"] if isinstance(row["metadata"], Mapping) else {}
    by = _("machine entry") if row["admin_user_id"] is None else _("admin %s") % row["admin_user_id"]
    shown = {key: named(key, value) for key, value in metadata.items() if key != "sample"}
    missing = [key for key in ("job_id", "tx_id", "reason") if not metadata.get(key)]
    manual = row["admin_user_id"] is not None or metadata.get("source") == OURS
    return Event(
        at=row["created_at"],
        kind="audit",
        title=row["action_type"],
        details=told({_("By"): by, _("Target"): f"{row['target_type']} {row['target_id'] or ''}".strip(), **shown}),
        marks=(_("names no %s") % ", ".join(missing),) if manual and missing else (),
    )


# Pieces --------------------------------------------------------------------------------------------------------------


def told(details: Mapping[Text, Any]) -> dict[Text, Any]:
    """Without what is not known, and with what is personal marked."""
    return {label: personal(value) for label, value in details.items() if value is not None}


def personal(value: Any) -> Any:
    """A text with an e-mail address in it is about a person."""
    return Personal(value) if isinstance(value, str) and EMAIL.search(value) else value


def plain(value: Any) -> Any:
    """A value out of a JSON column."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | float) else value


def named(key: str, value: Any) -> Any:
    """A value by its key: a person's name is personal, whatever it looks like."""
    return Personal(str(value)) if value and key.endswith("name") else plain(value)


def is_safe(url: str | None) -> bool:
    """Only an https address becomes a link; anything else stays text."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def subject_link(kind: str, subject: Any) -> Link:
    labels = {"job": _("job"), "transaction": _("ledger row"), "image": _("image")}
    return Link(label=labels[kind], url=f"/subjects/imagegen/{kind}/{subject}/")
