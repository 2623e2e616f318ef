"""The two ways to write to the audit log, each in the transaction of what it records.

Rows that must not go unrecorded (adjustments, decisions, people, roles, policy …) record themselves, by a trigger of
their table; ``acting`` says who acts. ``record`` is for events without a row, as the last statement.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from billingadmin.request_log import request_id
from billingadmin.sql import statement

SQL = Path(__file__).with_name("audit.sql")


@dataclass(frozen=True)
class Actor:
    """Who did it: an id that stays, and a text as it read at the time."""

    id: str
    name: str


SYSTEM_ACTOR = Actor("system", "billingadmin")


def job_actor(name: str) -> Actor:
    return Actor(f"job:{name}", name)


@dataclass(frozen=True)
class Said:
    """What a transaction says of itself to the rows that record themselves."""

    actor: Actor
    reason: str = ""
    correlation_id: str = ""


NOBODY = Said(Actor("", ""))
_said: ContextVar[Said | None] = ContextVar("said", default=None)


class Unrecordable(ValueError):
    """An entry that cannot be told in canonical form; nothing was written."""


class OutsideTransaction(RuntimeError):
    """What is recorded and its record are one transaction, or neither is trustworthy."""


@contextmanager
def acting(actor: Actor, *, reason: str = "", correlation_id: str = "") -> Iterator[None]:
    """One transaction in which ``actor`` acts, for a ``reason``. Rows that record themselves do so at its end.

    Inside of another's, the inner one records what is the inner one's. Without it such rows cannot be changed at all.
    """
    around, mine = _said.get(), Said(actor, str(reason), str(correlation_id or request_id.get()))
    _refuse_untellable(asdict(mine))
    alone = not connection.in_atomic_block
    with transaction.atomic():
        if mine == around:
            yield
            return
        if around:
            _record_now()
        _say(mine)
        token = _said.set(mine)
        try:
            yield
        finally:
            _said.reset(token)
        _record_now()
        if not alone:
            _say(around or NOBODY)


def _say(said: Said) -> None:
    fields = {"actor_id": said.actor.id, "actor": said.actor.name}
    fields |= {"reason": said.reason, "correlation_id": said.correlation_id}
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "acting"), fields)


def _record_now() -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "record_now"))


def record(
    *,
    actor: Actor,
    action_type: str,
    target_type: str = "",
    target_id: str = "",
    outcome: str = "done",
    reason: str = "",
    job_id: str = "",
    tx_id: str = "",
    system: str = "",
    correlation_id: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> int:
    """Appends one entry and returns its position.

    Call it last: from here to the end of the transaction everybody else who records waits. When it raises, the
    transaction is lost, and so is what was to be recorded: nothing happens unrecorded. ``metadata`` holds ``before``,
    ``after`` and what else belongs; no floats, amounts are whole numbers in the smallest unit. Within a request the
    correlation is the request's id unless another is given.
    """
    if not connection.in_atomic_block:
        raise OutsideTransaction("audit.log.record was called outside of transaction.atomic().")
    fields = {
        "actor_id": actor.id,
        "actor": actor.name,
        "action_type": action_type,
        "target_type": target_type,
        "target_id": str(target_id),
        "outcome": outcome,
        "reason": str(reason),
        "job_id": str(job_id),
        "tx_id": str(tx_id),
        "system": system,
        "correlation_id": str(correlation_id or request_id.get()),
        "metadata": _plain(metadata or {}),
    }
    _refuse_untellable(fields)
    return _append(fields)


def _plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Moments, ids and decimals as text, as JSON has no better for them."""
    return json.loads(json.dumps(dict(metadata), cls=DjangoJSONEncoder))


def _refuse_untellable(value: Any, where: str = "entry") -> None:
    match value:
        case float():
            raise Unrecordable(f"{where} is {value}: the audit log takes whole numbers and text, no floats.")
        case str():
            _refuse_unwritable(value, where)
        case dict():
            for key, member in value.items():
                _refuse_unwritable(key, where)
                _refuse_untellable(member, f"{where}.{key}")
        case list():
            for number, member in enumerate(value):
                _refuse_untellable(member, f"{where}[{number}]")


def _refuse_unwritable(text: str, where: str) -> None:
    if "\0" in text:
        raise Unrecordable(f"{where} holds a NUL character, which PostgreSQL cannot store.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Unrecordable(f"{where} holds half a character (a lone surrogate).")


def _append(fields: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "append"), {**fields, "metadata": json.dumps(fields["metadata"])})
        return cursor.fetchone()[0]
