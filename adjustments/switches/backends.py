"""What the worker does with a switch out there: read it, set it, and say how surely.

Only the worker does: it alone may write to outside systems, and a web process that was taken over must not become a
way to run programs or to write files.
"""

from dataclasses import dataclass
from enum import Enum

from adjustments.switches import files
from adjustments.switches.running import Ran, run, told, took
from systems.base import CannotTell, CommandValue, FileValue, Run, Switch


class Outcome(Enum):
    ACTED = "acted"
    REFUSED = "refused"  # and nothing was changed
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    outcome: Outcome
    why: str = ""


def read(switch: Switch) -> str:
    """The value that is effective out there. Raises CannotTell."""
    if isinstance(switch.backend, FileValue):
        return switch.backend.read(files.read(switch.backend.path()))
    return _tell(switch.backend)


def _tell(backend: CommandValue) -> str:
    ran = run(backend.tell, "")
    if not took(backend.tell, ran):
        raise CannotTell(told(ran))
    return backend.read(ran.output)


def write(switch: Switch, value: str) -> Answer:
    """Never raises for what the outside does. What it answers is to be read back in any case."""
    try:
        if isinstance(switch.backend, FileValue):
            return _write_file(switch.backend, value)
        return _answer(switch.backend.act, run(switch.backend.act, value))
    except CannotTell as why:
        return Answer(Outcome.REFUSED, str(why))


def _answer(program: Run, ran: Ran) -> Answer:
    if took(program, ran):
        return Answer(Outcome.ACTED)
    return Answer(Outcome.UNKNOWN, told(ran))


def _write_file(backend: FileValue, value: str) -> Answer:
    path = backend.path()
    before = files.read(path)
    after = backend.write(before, value)
    files.replace(path, before=before, after=after)
    if backend.then is None:
        return Answer(Outcome.ACTED)
    failed = _obeyed(backend.then, value)
    return Answer(Outcome.UNKNOWN, _roll_back(backend, before, after, failed)) if failed else Answer(Outcome.ACTED)


def _obeyed(program: Run, value: str) -> str:
    """What went wrong, if something did."""
    try:
        ran = run(program, value)
    except CannotTell as why:
        return str(why)
    return "" if took(program, ran) else told(ran)


def _roll_back(backend: FileValue, before: str, after: str, failed: str) -> str:
    """The old text and once more the program: the system ran with it before."""
    try:
        files.replace(backend.path(), before=after, after=before)
    except CannotTell as why:
        return f"{failed} {why}"
    return f"{failed} {_obeyed(backend.then, backend.read(before))}".strip()
