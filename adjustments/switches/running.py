"""Runs a program with a deadline: no shell, no input, little environment, output capped, killed with its group."""

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from systems.base import CannotTell, Run

PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
CAP = 16_384  # bytes of output that are kept; the rest is read and forgotten
TOLD = 400  # characters of it that are told


@dataclass(frozen=True, kw_only=True)
class Ran:
    """``code`` is None when it was killed at its deadline: what it did by then is unknown."""

    code: int | None
    output: str

    @property
    def is_known(self) -> bool:
        return self.code is not None


def run(program: Run, value: str) -> Ran:
    """Raises CannotTell when it could not be started at all: then it did nothing."""
    process = _start([str(argument) for argument in program.argv(value)], program.environment)
    try:
        output = _read(process, time.monotonic() + program.deadline.total_seconds())
    except TimeoutError as late:
        _kill(process)
        return Ran(code=None, output=late.args[0])
    finally:
        process.stdout.close()
    return Ran(code=process.wait(), output=output)


def took(program: Run, ran: Ran) -> bool:
    return ran.code == 0 and (program.took is None or program.took(ran.output))


def told(ran: Ran) -> str:
    """How it ended, for people."""
    words = ran.output.strip()[-TOLD:]
    if ran.code is None:
        return _("It did not end in time and was killed. %s") % words
    return _("It ended with %(code)d. %(words)s") % {"code": ran.code, "words": words}


def _start(argv: list[str], named: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    environment = {name: os.environ[name] for name in (*PASSED, *named) if name in os.environ}
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
            cwd="/",
        )
    except (OSError, ValueError, IndexError) as error:
        name = argv[0] if argv else _("nothing")
        raise CannotTell(_("%(name)s could not be started: %(error)s") % {"name": name, "error": error}) from error


def _read(process: "subprocess.Popen[bytes]", deadline: float) -> str:
    """Until the program ends, whatever it left running still holds. Raises TimeoutError with what there is."""
    kept = bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise TimeoutError(_text(kept))
            if not _take(process.stdout, ready, kept, wait=0.05):
                ready.unregister(process.stdout)
                _wait(process, deadline, kept)
        while ready.get_map() and _take(process.stdout, ready, kept, wait=0):
            pass
    return _text(kept)


def _wait(process: "subprocess.Popen[bytes]", deadline: float, kept: bytearray) -> None:
    """It has closed its output, and may go on."""
    try:
        process.wait(max(0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise TimeoutError(_text(kept)) from None


def _take(pipe: Any, ready: selectors.BaseSelector, kept: bytearray, *, wait: float) -> bool:
    """What the pipe holds now. False at its end, or where, not waiting, there is nothing more."""
    if not ready.select(wait):
        return wait > 0
    chunk = os.read(pipe.fileno(), 4096)
    kept += chunk[: CAP - len(kept)]
    return bool(chunk)


def _text(kept: bytearray) -> str:
    """What can be stored and shown: controls become blanks."""
    text = kept.decode("utf-8", "replace")
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
