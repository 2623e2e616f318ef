"""Asks a system's probes and keeps what they saw. Each is asked by itself: one that fails is ``unknown``, with the
reason, and stops no other."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.utils.encoding import force_str
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from billingadmin.masking import masked
from health.contributions import engine_probes
from health.models import Reading
from systems.base import Level, Measurement, Personal, Probe, System, Unrecognised
from systems.reading import SourceUnavailable, reading

PROBE_TIMEOUT_MS = 10_000  # for each statement a probe asks

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Clock:
    """What an engine's probe is handed in place of a source: the time, and nothing to ask."""

    now: datetime


def probe(system: System, now: datetime) -> list[Reading]:
    """A new reading of each probe of the system, stored. Never raises for what is the source's or a probe's fault."""
    absent = _absence(system, now)
    own = [_store(system, one, _measure_own(system, one, now), now) for one in engine_probes(system)]
    return own + [_store(system, one, absent or _measure(system, one, now), now) for one in system.probes]


def _absence(system: System, now: datetime) -> Measurement | None:
    """What to note for every probe when nobody opens: asking each would take as many time-outs."""
    try:
        with reading(system, now=now):
            return None
    except SourceUnavailable as failure:
        return _unavailable(failure)


def _measure(system: System, one: Probe, now: datetime) -> Measurement:
    try:
        with reading(system, now=now, timeout_ms=PROBE_TIMEOUT_MS) as source:
            return _kept(one.measure(source))
    except SourceUnavailable as failure:
        return _unavailable(failure)
    except Exception as error:
        logger.exception("The probe %s of %s failed.", one.code, system.slug)
        return _failure(error)


def _measure_own(system: System, one: Probe, now: datetime) -> Measurement:
    """What an engine knows by itself, whether or not the source answers."""
    try:
        with transaction.atomic():
            return _kept(one.measure(Clock(now)))
    except Exception as error:
        logger.exception("The probe %s of %s failed.", one.code, system.slug)
        return _failure(error)


def _unavailable(failure: SourceUnavailable) -> Measurement:
    why = _("The source does not answer: %s") % _writable(failure.reason)
    return Measurement(level=Level.UNKNOWN, why=why, detail={"failure": "unavailable", "remedy": str(failure.remedy)})


def _failure(error: Exception) -> Measurement:
    why = _("The probe itself failed: %s") % _writable(f"{type(error).__name__}: {error}")
    return Measurement(level=Level.UNKNOWN, why=why, detail={"failure": type(error).__name__})


def _kept(seen: Measurement) -> Measurement:
    """The measurement as it can be stored. What breaks the contract raises, and so becomes a failure of the probe."""
    level = Level(seen.level)
    if (seen.value is None) != (level == Level.UNKNOWN) or isinstance(seen.value, bool | float):
        raise ValueError(f"it measured {seen.value!r} and calls that {level}")
    return Measurement(level=level, value=seen.value, why=str(seen.why), detail=_in_order(plain(seen.detail)))


def _store(system: System, one: Probe, seen: Measurement, now: datetime) -> Reading:
    fields = {"system": system.slug, "probe": one.code, "unit": one.unit, "measured_at": now}
    try:
        with transaction.atomic():
            return Reading.objects.create(**fields, **vars(seen))
    except (DatabaseError, ValueError, TypeError, OverflowError) as error:  # a value that no column can hold
        logger.exception("The reading of %s of %s could not be stored.", one.code, system.slug)
        return Reading.objects.create(**fields, **vars(_failure(error)))


def _in_order(detail: dict[str, Any]) -> dict[str, Any]:
    """jsonb forgets the order of keys; the columns of the offenders are read in the probe's."""
    rows = detail.get("rows")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return detail
    return {"columns": list(dict.fromkeys(name for row in rows for name in row)), **detail}


def plain(value: Any) -> Any:
    """A detail as JSON can hold it: translated texts as text, personal data masked, what is unrecognised as itself."""
    match value:
        case Personal():
            return masked(value.value)
        case Unrecognised():
            return value.value
        case Promise():
            return force_str(value)
        case Mapping():
            return {str(key): plain(member) for key, member in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(member) for member in value]
    return value


def _writable(text: str) -> str:
    return text.replace("\x00", "").strip()
