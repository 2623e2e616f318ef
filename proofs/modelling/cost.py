"""What a step costs in processor time, here and in the database: on a machine that does other things too, the clock on
the wall says little."""

import os
from pathlib import Path

from django.db import connections

HERTZ = os.sysconf("SC_CLK_TCK")


def spent(*aliases: str) -> float:
    """Seconds so far of this process and of the database's backends that serve it."""
    return sum(map(_seconds_of, [os.getpid(), *{_backend(alias) for alias in aliases}]))


def _backend(alias: str) -> int:
    connections[alias].ensure_connection()
    return connections[alias].connection.info.backend_pid


def _seconds_of(process: int) -> float:
    """User and system time; the name before them may hold spaces."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / HERTZ
