"""The kinds of identifier of this system, and how a search finds what they name."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from systems.base import Match, Personal, Source, SubjectKind, Text
from systems.imagegen import source as asked
from systems.imagegen import timeline
from systems.imagegen.events import told
from systems.imagegen.vocabulary import GENERATION_TYPES, MODERATION, STAGES, STATUSES, TRANSACTIONS, as_uuid, word

PAYMENT = re.compile(r"(?:pi|in)_[A-Za-z0-9]{8,64}\Z")


def find_job(source: Source, job_id: str) -> Sequence[Match]:
    job = asked.job(source, job_id)
    if job:
        status = word(STATUSES, job["status"])
        return [Match(kind="job", id=job_id, label=_("Job, %(status)s") % {"status": getattr(status, "value", status)})]
    rows = asked.ledger_of_job(source, job_id)
    return [Match(kind="job", id=job_id, label=_("A job that is gone; ledger rows name it"))] if rows else []


def describe_job(source: Source, job_id: str) -> Mapping[Text, Any]:
    job = asked.job(source, job_id)
    if not job:
        return {}
    return told(
        {
            _("Status"): word(STATUSES, job["status"]),
            _("Stage"): word(STAGES, job["processing_stage"]),
            _("User"): str(job["user_id"]),
            _("Type"): word(GENERATION_TYPES, job["generation_type"]),
            _("Model"): job["model"],
            _("Free by design"): True if job["free_by_design"] else None,
            _("Failed tries"): job["attempts"],
            _("Error"): job["error_message"],
            _("Prompt"): Personal(job["prompt_text"]) if job["prompt_text"] else None,
            _("Created"): job["created_at"],
            _("Started"): job["started_at"],
            _("Completed"): job["completed_at"],
        }
    )


def recognise_transaction(text: str) -> str | None:
    """A ledger row's id, or the Stripe id it may carry."""
    text = text.strip()
    return text if PAYMENT.match(text) else as_uuid(text)


def find_transaction(source: Source, transaction: str) -> Sequence[Match]:
    row = _transaction(source, transaction)
    if not row:
        return []
    kind = word(TRANSACTIONS, row["transaction_type"])
    told_kind = {"kind": getattr(kind, "value", kind), "amount": row["amount"]}
    return [Match(kind="transaction", id=str(row["id"]), label=_("%(kind)s, %(amount)+d credits") % told_kind)]


def describe_transaction(source: Source, transaction: str) -> Mapping[Text, Any]:
    row = _transaction(source, transaction)
    if not row:
        return {}
    return told(
        {
            _("Type"): word(TRANSACTIONS, row["transaction_type"]),
            _("Amount"): row["amount"],
            _("User"): str(row["user_id"]),
            _("job_id"): row["job_id_text"],
            _("Image"): row["related_generation_id"] and str(row["related_generation_id"]),
            _("Stripe id"): row["stripe_payment_intent_id"],
            _("Created"): row["created_at"] or _("has no date"),
        }
    )


def transaction_events(source: Source, transaction: str) -> Sequence[Any]:
    row = _transaction(source, transaction)
    return timeline.of_transaction(source, str(row["id"])) if row else []


def find_image(source: Source, image_id: str) -> Sequence[Match]:
    return [Match(kind="image", id=image_id, label=_("Image"))] if asked.image(source, image_id) else []


def describe_image(source: Source, image_id: str) -> Mapping[Text, Any]:
    image = asked.image(source, image_id)
    if not image:
        return {}
    return told(
        {
            _("User"): image["user_id"] and str(image["user_id"]),
            _("Job"): image["image_job_id"] and str(image["image_job_id"]),
            _("Model"): image["model"],
            _("Moderation"): word(MODERATION, image["moderation_status"]),
            _("Posted"): image["posted_at"],
            _("Prompt"): Personal(image["prompt"]) if image["prompt"] else None,
            _("Storage path"): image["storage_path"],
            _("Created"): image["created_at"],
        }
    )


def find_user(source: Source, user_id: str) -> Sequence[Match]:
    known = source.one("user_known", user_id=user_id)["known"]
    return [Match(kind="user", id=user_id, label=_("User"))] if known else []


def describe_user(source: Source, user_id: str) -> Mapping[Text, Any]:
    purses = source.one("user", user_id=user_id)
    if not purses:
        return {_("Balance"): _("no balance row")} if find_user(source, user_id) else {}
    free = purses["limited"] + purses["unlimited"]
    return {
        _("Balance"): purses["balance"],
        _("Paid"): purses["paid_balance"],
        _("Free, until a date"): purses["limited"],
        _("Free, for ever"): purses["unlimited"],
        _("Balance is paid and free together"): purses["balance"] == purses["paid_balance"] + free,
        _("Ledger less expiries"): purses["ledger"] - purses["expired"],
    }


def _transaction(source: Source, transaction: str) -> Mapping[str, Any] | None:
    if PAYMENT.match(transaction):
        payment = source.one("payment", payment=transaction)
        return asked.ledger_row(source, str(payment["id"])) if payment else None
    return asked.ledger_row(source, transaction)


SUBJECTS = (
    SubjectKind(
        slug="job",
        label=gettext_lazy("job"),
        recognise=as_uuid,
        find=find_job,
        describe=describe_job,
        timeline=timeline.of_job,
    ),
    SubjectKind(
        slug="transaction",
        label=gettext_lazy("ledger row"),
        recognise=recognise_transaction,
        find=find_transaction,
        describe=describe_transaction,
        timeline=transaction_events,
    ),
    SubjectKind(
        slug="image",
        label=gettext_lazy("image"),
        recognise=as_uuid,
        find=find_image,
        describe=describe_image,
        timeline=timeline.of_image,
    ),
    SubjectKind(
        slug="user",
        label=gettext_lazy("user"),
        recognise=as_uuid,
        find=find_user,
        describe=describe_user,
        timeline=timeline.of_user,
    ),
)
