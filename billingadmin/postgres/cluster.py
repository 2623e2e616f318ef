"""One cluster of PostgreSQL: made when it is not there, started when it does not run, kept while it is used."""

import fcntl
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from errno import ENOSPC
from hashlib import sha256
from pathlib import Path
from typing import IO

from billingadmin.postgres import PostgresError
from billingadmin.postgres.binaries import account, as_account, give

HOME = Path(__file__).resolve().parents[2]
PORT = 5432  # of the socket's name only: each cluster has a folder of its own
PATIENCE = 60.0  # seconds for a start, crash recovery included
ROOM_FOR_A_CLUSTER = 200 * 2**20
ROOM_FOR_A_LOG = 2**20

Keeper = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL cluster below ``folder``; the major version is part of the data directory's name."""

    folder: Path
    binaries: Path
    version: str
    superuser: str
    password: str = field(repr=False)
    settings: dict[str, str] = field(default_factory=dict)
    disposable: bool = False  # may be lost: no waiting for the disk, no care for data of another version

    @property
    def data(self) -> Path:
        return self.folder / f"pg{self.version}"

    @property
    def sockets(self) -> Path:
        """A short name, since a socket's path may have 107 bytes; one for each user and folder."""
        name = sha256(f"{os.geteuid()}:{self.data}".encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"billingadmin-{name}"

    @property
    def log(self) -> Path:
        return self.folder / "postgresql.log"

    def command(self) -> list[str]:
        settings = {"listen_addresses": "", "port": str(PORT), "unix_socket_directories": str(self.sockets)}
        options = [f"--{name}={value}" for name, value in {**settings, **self.settings}.items()]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *options]


class Lease:
    """Keeps a cluster running until it is closed or its holder is gone."""

    def __init__(self, cluster: Cluster, users: IO[str], keeper: Keeper | None) -> None:
        self.cluster, self.users, self.keeper = cluster, users, keeper

    def is_running(self) -> bool:
        return _is_governed(self.cluster)

    def close(self) -> None:
        """Lets go. When we started the keeper, waits a moment for it to see that nobody is left."""
        self.users.close()
        if self.keeper:
            with suppress(subprocess.TimeoutExpired):  # somebody else uses the cluster
                self.keeper.wait(timeout=5)


def lease(cluster: Cluster) -> Lease:
    """Makes and starts the cluster unless it runs, and keeps it running. Safe to call from many processes at once."""
    try:
        cluster.folder.mkdir(parents=True, exist_ok=True)
        with _locked(cluster.folder / "start.lock"):
            return _started(cluster)
    except PermissionError as error:
        whose = f"{error.filename} belongs to another user."
        raise PostgresError(f"{whose} Give it to {_login()}, or set BILLINGADMIN_DATA.") from None
    except OSError as error:
        raise PostgresError(_disk_full(cluster) if error.errno == ENOSPC else str(error)) from None


def _started(cluster: Cluster) -> Lease:
    with ExitStack() as on_failure:
        users = on_failure.enter_context(_open(cluster.folder / "users.lock"))
        fcntl.flock(users, fcntl.LOCK_SH)  # waits for a shutdown under way
        _initialise(cluster)
        keeper = _ensure_running(cluster)
        on_failure.pop_all()
        return Lease(cluster, users, keeper)


def _login() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def _open(path: Path) -> IO[str]:
    return open(path, "a+", encoding="utf-8")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with _open(path) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _initialise(cluster: Cluster) -> None:
    if cluster.data.exists():
        _check_version(cluster)
        return
    if not cluster.disposable:
        _refuse_other_versions(cluster)
    if shutil.disk_usage(cluster.folder).free < ROOM_FOR_A_CLUSTER:
        raise PostgresError(_disk_full(cluster))
    unfinished = cluster.data.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    give(unfinished, 0o700)
    _initdb(cluster, unfinished)
    unfinished.rename(cluster.data)


def _initdb(cluster: Cluster, target: Path) -> None:
    locale = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "password"
        secret.write_text(cluster.password, encoding="utf-8")
        give(secret, 0o600)
        give(Path(folder), 0o700)
        options = ["-D", target, "-U", cluster.superuser, "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"]
        options += [f"--locale={locale}", "--no-instructions", *(["--no-sync"] if cluster.disposable else [])]
        done = subprocess.run(
            [cluster.binaries / "initdb", *options], capture_output=True, text=True, cwd="/", **as_account()
        )
    if done.returncode:
        raise PostgresError(_explained(cluster, done.stderr))


def _check_version(cluster: Cluster) -> None:
    made_by = (cluster.data / "PG_VERSION").read_text(encoding="utf-8").strip()
    if made_by != cluster.version:
        raise PostgresError(f"{cluster.data} was made by PostgreSQL {made_by}, but the binaries are {cluster.version}.")


def _refuse_other_versions(cluster: Cluster) -> None:
    """An empty database beside a full one would look like a loss of data."""
    for other in sorted(cluster.folder.glob("pg*/PG_VERSION")):
        raise PostgresError(
            f"The data in {other.parent} was made by PostgreSQL {other.parent.name[2:]}, but the binaries are"
            f" {cluster.version}. Set POSTGRES_BIN to the matching ones, or dump it, move it away and restore."
        )


# Starting ------------------------------------------------------------------------------------------------------------


def _ensure_running(cluster: Cluster) -> Keeper | None:
    keeper = None
    deadline = time.monotonic() + PATIENCE
    while not (_is_governed(cluster) and _is_ready(cluster)):
        if keeper and keeper.poll() is not None:
            raise PostgresError(_explained(cluster, cluster.log.read_text(encoding="utf-8", errors="replace")))
        if time.monotonic() > deadline:
            raise PostgresError(f"PostgreSQL was not ready within {PATIENCE:.0f} seconds; see {cluster.log}.")
        if not keeper and not _is_governed(cluster):
            keeper = _start_keeper(cluster)
        time.sleep(0.02)
    return keeper


def _is_governed(cluster: Cluster) -> bool:
    with _open(cluster.folder / "keeper.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _is_ready(cluster: Cluster) -> bool:
    try:
        lines = (cluster.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready" and _is_postmaster(cluster, int(lines[0]))


def _is_postmaster(cluster: Cluster, pid: int) -> bool:
    """Whether that process is alive and serves this very cluster: a number alone may belong to anyone."""
    state, arguments = _process(pid)
    return state not in ("", "Z") and "postgres" in arguments and f"-D {cluster.data} " in arguments


def _process(pid: int) -> tuple[str, str]:
    """Its state, as one letter, and its command line; empty when there is no such process."""
    if sys.platform != "linux":
        asked = subprocess.run(["ps", "-o", "stat=,args=", "-p", str(pid)], capture_output=True, text=True)
        return asked.stdout[:1], asked.stdout
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state, Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return "", ""


def _start_keeper(cluster: Cluster) -> Keeper:
    _clear_away(cluster)
    _prepare_sockets(cluster.sockets)
    if cluster.log.exists():
        cluster.log.replace(cluster.log.with_suffix(".log.1"))
    with open(cluster.log, "wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "billingadmin.postgres.keeper", str(cluster.folder), *cluster.command()],
            cwd=HOME,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _clear_away(cluster: Cluster) -> None:
    """Ends a server without a keeper, and removes the note of one that is dead but whose number lives on."""
    note = cluster.data / "postmaster.pid"
    deadline = time.monotonic() + PATIENCE
    while note.exists():
        pid = int(note.read_text(encoding="utf-8").split()[0])
        if not _is_postmaster(cluster, pid):
            note.unlink(missing_ok=True)
            return
        os.kill(pid, signal.SIGINT if time.monotonic() < deadline else signal.SIGQUIT)
        time.sleep(0.1)


def _prepare_sockets(folder: Path) -> None:
    """The folder of the socket, which nobody else may have put there or may enter."""
    owner = account().pw_uid if account() else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        give(folder, 0o700)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != 0o700:
            raise PostgresError(f"{folder} was not made by us. Remove it and start again.") from None


def _explained(cluster: Cluster, output: str) -> str:
    full = shutil.disk_usage(cluster.folder).free < ROOM_FOR_A_LOG  # then the log is empty as well
    if full or "No space left on device" in output:
        return _disk_full(cluster)
    telling = [line for line in output.splitlines() if re.search(r"FATAL|PANIC|[Ee]rror|not |denied", line)]
    return f"PostgreSQL does not start: {telling[0].strip() if telling else 'no reason given'} (see {cluster.log})"


def _disk_full(cluster: Cluster) -> str:
    free = shutil.disk_usage(cluster.folder).free // 2**20
    return f"The disk is full: PostgreSQL needs room below {cluster.folder}, where {free} MB are free."
