"""The process that runs PostgreSQL until nobody uses its cluster: ``python -m billingadmin.postgres.keeper``."""

import ctypes
import fcntl
import signal
import subprocess
import sys
from pathlib import Path

from billingadmin.postgres.binaries import as_account

DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


def keep(folder: Path, command: list[str]) -> int:
    """Runs PostgreSQL until it ends, or until the last user of the cluster is gone, or until it is told to stop."""
    with open(folder / "keeper.lock", "a+") as lock, open(folder / "users.lock", "a+") as users:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = subprocess.Popen(command, cwd="/", preexec_fn=_die_with_keeper, **as_account())
        try:
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, _stop_waiting)
            if server.poll() is None:
                fcntl.flock(users, fcntl.LOCK_EX)
        except InterruptedError:
            pass
        return _shut_down(server)


def _stop_waiting(number: int, frame: object) -> None:
    raise InterruptedError


def _shut_down(server: subprocess.Popen[bytes]) -> int:
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN if number != signal.SIGCHLD else signal.SIG_DFL)
    server.send_signal(signal.SIGINT)  # a fast shutdown; nothing happens when it has ended
    return server.wait()


def _die_with_keeper() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGINT)


if __name__ == "__main__":
    sys.exit(keep(Path(sys.argv[1]), sys.argv[2:]))
