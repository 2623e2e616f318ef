"""Who read the audit log. A row beside the log when they do, one entry in it for all of them later."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import transaction

from audit.inspection import Discrepancy
from audit.log import Actor, job_actor, record
from audit.models import Entry, Reading
from audit.verifier.verify_audit_export import told
from billingadmin.request_log import request_id

MOST_AT_ONCE = 10_000


def note(actor: Actor, what: str, *, now: datetime, asked: Mapping[str, Any] | None = None) -> None:
    """``what`` is search, entry or export; ``asked`` what was looked for."""
    Reading.objects.create(
        at=now,
        actor_id=actor.id,
        actor=actor.name,
        what=what,
        asked={name: str(value) for name, value in (asked or {}).items()},
        correlation_id=request_id.get(),
    )


@transaction.atomic
def seal(now: datetime) -> int:
    """One entry with a digest over every reading that has none yet, picked by that, as commits come out of order."""
    unsealed = list(Reading.objects.filter(sealed_by=None).select_for_update().order_by("id")[:MOST_AT_ONCE])
    if not unsealed:
        return 0
    keys = [one.pk for one in unsealed]
    metadata = {
        "count": len(keys),
        "from": min(one.at for one in unsealed),
        "to": max(one.at for one in unsealed),
        "readers": dict(Counter(one.actor_id for one in unsealed)),
        "digest": digest(unsealed),
    }
    # the chain's lock comes last: who waits for the rows must not hold it
    position = record(actor=job_actor("seal_audit_readings"), action_type="audit_log_read", metadata=metadata)
    Reading.objects.filter(pk__in=keys).update(sealed_by=position)
    return len(keys)


def digest(readings: list[Reading]) -> str:
    """Over what each says, in order of id, so that none can be changed or taken away unseen."""
    lines = [
        told([one.pk, one.at.isoformat(), one.actor_id, one.what, one.asked, one.correlation_id]) for one in readings
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def discrepancies() -> Iterator[Discrepancy]:
    """Seals whose readings are not what was sealed, and readings that name a seal there never was."""
    seals = dict(Entry.objects.filter(action_type="audit_log_read").values_list("position", "metadata__digest"))
    sealed = Reading.objects.exclude(sealed_by=None).order_by("sealed_by", "id").iterator(chunk_size=2_000)
    for position, readings in groupby(sealed, key=lambda one: one.sealed_by):
        if seals.pop(position, None) != digest(list(readings)):
            yield Discrepancy(what="readings_not_as_sealed", target="who read the log", position=position)
    for position in seals:
        yield Discrepancy(what="readings_gone", target="who read the log", position=position)
