"""The two functions the runbook calls: what stands in the source, what ours differ in, and the steps between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from billingadmin.sql import statement

HERE = Path(__file__).parent
NAMES = ("detect_generation_billing_anomalies", "monitor_generation_billing_anomalies")
JOB = "generation_billing_anomaly_monitor_hourly"
SCHEDULE = "7 * * * *"
COMMAND = "select public.monitor_generation_billing_anomalies(now() - interval '2 hours');"


@dataclass(frozen=True, kw_only=True)
class Step:
    """What will be done, in a sentence. ``by_force``: it destroys what somebody else put there."""

    what: str
    statement: str = ""  # none: nothing to do
    parameters: dict[str, str] | None = None
    by_force: bool = False
    shown: str = ""  # before it is done: the difference to what stands there, or all of what does not


def definition(name: str) -> str:
    return statement(HERE / "functions.sql", name)


def asked(cursor: Any, question: str, /, **parameters: str) -> dict[str, Any] | None:
    cursor.execute(statement(HERE / "installed.sql", question), parameters)
    row = cursor.fetchone()
    return dict(zip([column.name for column in cursor.description], row, strict=True)) if row else None


def installing(cursor: Any) -> Iterator[Step]:
    yield from creating(cursor)
    yield from _scheduling(cursor)


def creating(cursor: Any) -> Iterator[Step]:
    """The functions alone, without the job that calls them: whoever reads the source may ask for these."""
    for name in NAMES:
        yield _creating(name, asked(cursor, "function", signature=signature(name)))


def uninstalling(cursor: Any) -> Iterator[Step]:
    """The other way round, since the job calls the monitor, and that the detection."""
    yield from _unscheduling(cursor)
    for name in reversed(NAMES):
        yield _uninstalling(name, asked(cursor, "function", signature=signature(name)))


def signature(name: str) -> str:
    return f"public.{name}(timestamptz)"


def body(text: str) -> str:
    """What stands between the $body$ marks of our definition."""
    return text.split("$body$")[1]


def is_ours(name: str, standing: dict[str, Any]) -> bool:
    return standing["body"].strip() == body(definition(name)).strip()


def difference(name: str, standing: dict[str, Any]) -> str:
    theirs, ours = standing["body"].strip().splitlines(), body(definition(name)).strip().splitlines()
    return "\n".join(unified_diff(theirs, ours, f"{name} in the source", f"{name} of the console", lineterm=""))


def _creating(name: str, standing: dict[str, Any] | None) -> Step:
    if not standing:
        what = f"{signature(name)} is not there: create it."
        return Step(what=what, statement=definition(name), shown=f"{definition(name)};")
    if is_ours(name, standing):
        return Step(what=f"{signature(name)} is as it should be.")
    what = f"{signature(name)} has another body: drop it, with the rights granted on it, and create ours."
    replacing = f"{_drop(name)};\n{definition(name)}"
    return Step(what=what, statement=replacing, shown=difference(name, standing), by_force=True)


def _uninstalling(name: str, standing: dict[str, Any] | None) -> Step:
    if not standing:
        return Step(what=f"{signature(name)} is not there.")
    if is_ours(name, standing):
        return Step(what=f"{signature(name)} is ours: drop it.", statement=_drop(name))
    what = f"{signature(name)} has another body: drop it all the same."
    return Step(what=what, statement=_drop(name), shown=difference(name, standing), by_force=True)


def _drop(name: str) -> str:
    return statement(HERE / "installed.sql", "drop_function").format(signature=signature(name))


# The hourly run, where pg_cron exists --------------------------------------------------------------------------------


def _scheduling(cursor: Any) -> Iterator[Step]:
    standing = _scheduled(cursor)
    if standing is None:
        yield Step(what=f"pg_cron is not in this database: {JOB} is not scheduled.")
        return
    if standing == {"schedule": SCHEDULE, "command": COMMAND}:
        yield Step(what=f"{JOB} is scheduled as it should be.")
        return
    schedule = statement(HERE / "installed.sql", "schedule")
    parameters = {"name": JOB, "schedule": SCHEDULE, "command": COMMAND}
    told = {"statement": schedule, "parameters": parameters}
    if not standing:
        yield Step(what=f"{JOB} is not scheduled: schedule it at “{SCHEDULE}”.", **told)
    else:
        what = f"{JOB} is scheduled otherwise, {_told(standing)}: change it to “{SCHEDULE}”, {COMMAND}"
        yield Step(what=what, by_force=True, **told)


def _unscheduling(cursor: Any) -> Iterator[Step]:
    standing = _scheduled(cursor)
    if standing:
        ours = standing["command"] == COMMAND
        what = f"{JOB} is scheduled: end that." if ours else f"{JOB} runs something else, {_told(standing)}: end that."
        unschedule = statement(HERE / "installed.sql", "unschedule")
        yield Step(what=what, statement=unschedule, parameters={"name": JOB}, by_force=not ours)


def _scheduled(cursor: Any) -> dict[str, Any] | None:
    """The job as it stands; empty when there is none; None without pg_cron."""
    if not asked(cursor, "cron")["here"]:
        return None
    return asked(cursor, "scheduled", name=JOB) or {}


def _told(standing: dict[str, Any]) -> str:
    return f"at “{standing['schedule']}”, {standing['command']}"
