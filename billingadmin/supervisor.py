"""What ``script/server`` runs: PostgreSQL, one set-up, the job worker and the web server, until told to stop.

It holds nothing itself: whatever is killed, the kernel ends the rest (Linux), and the next start works.
"""

import argparse
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType
from urllib.request import urlopen

from billingadmin.postgres import PostgresError, embedded
from billingadmin.postgres.cluster import Lease
from billingadmin.postgres.keeper import DEATH_SIGNAL

HOME = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
READY_WITHIN = 900.0  # seconds: the first start builds the demo
STOPPED_WITHIN = 20.0
PAUSE = 5.0  # seconds before a job worker that ended is started again

Process = subprocess.Popen[bytes]


class Stopped(Exception):
    """Somebody asked us to stop."""


class Failed(Exception):
    """Serving cannot go on; the text says why, in one line."""

    def __init__(self, text: str, code: int = os.EX_UNAVAILABLE) -> None:
        super().__init__(text)
        self.code = code


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"{message} (usage: script/server [--empty] [--port N])\n")


def main(arguments: list[str]) -> int:
    options = parsed(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)  # also SIGINT, which a shell's background job is started without
    try:
        serve(port=options.port, empty=options.empty)
    except Stopped:
        print("Stopped.", flush=True)
    except (Failed, PostgresError) as error:
        print(error, file=sys.stderr)
        return getattr(error, "code", os.EX_UNAVAILABLE)
    return 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = Parser(prog="script/server", add_help=True)
    parser.add_argument("--empty", action="store_true", help="without the demo")
    parser.add_argument("--port", type=int, default=8000, help="8000 unless said otherwise")
    options = parser.parse_args(arguments)
    if not 0 < options.port < 65536:
        parser.error(f"--port must be from 1 to 65535, not {options.port}")
    return options


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def serve(*, port: int, empty: bool) -> None:
    """Sets up and serves until stopped; everything started here has ended when it returns."""
    check_port(port)
    with database(empty=empty) as lease, processes() as started:
        started["web"] = start(web_server(port), without_writers(os.environ))
        wait_until_it_answers(started["web"], port)
        started["worker"] = start(worker(), without_owner(os.environ))
        print(f"\nThe console is ready: http://{HOST}:{port}/   (Ctrl-C stops it)", flush=True)
        if text := embedded.sign_ins():
            print(f"\n{text}\n{codes(port)}", flush=True)
        watch(started, lease)


def codes(port: int) -> str:
    """What the phones of the demo's people show in this half minute; the page they stand on tells the next ones."""
    try:
        with urlopen(f"http://{HOST}:{port}/accounts/demo-codes/?plain", timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def check_port(port: int) -> None:
    """A server that was just killed may need a moment to let go of it."""
    deadline = time.monotonic() + 1
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except PermissionError:
                raise Failed(
                    f"Port {port} is not ours to use. Choose one above 1023: script/server --port 8000"
                ) from None
            except OSError:
                if time.monotonic() > deadline:
                    raise Failed(f"Port {port} is taken. Choose another: script/server --port {port + 1}") from None
                time.sleep(0.1)
            else:
                return


@contextmanager
def database(*, empty: bool) -> Iterator[Lease | None]:
    """The embedded cluster, held while we run; nothing when DATABASE_URL names a server."""
    if os.environ.get("DATABASE_URL"):
        yield None
        return
    if not embedded.exists("site"):
        print("Making a database …", flush=True)
    lease = embedded.hold("site")
    embedded.remember(empty=empty)
    try:
        yield lease
    finally:
        lease.close()


# Child processes -----------------------------------------------------------------------------------------------------


def web_server(port: int) -> list[str]:
    return ["-m", "billingadmin.web", f"{HOST}:{port}"]


def worker() -> list[str]:
    return ["manage.py", "procrastinate", "worker"]


def without_writers(environment: Mapping[str, str]) -> dict[str, str]:
    """What serves pages gets no right to write to a source."""
    kept = {name: value for name, value in environment.items() if not name.endswith("_WRITER_DATABASE_URL")}
    return kept | {"BILLINGADMIN_WRITERS": "0"}


def without_owner(environment: Mapping[str, str]) -> dict[str, str]:
    """The job worker alone may write to sources; like what serves pages, it has no right to migrate."""
    return {name: value for name, value in environment.items() if name != "DATABASE_OWNER_URL"}


def start(arguments: list[str], environment: dict[str, str]) -> Process:
    # A session of its own: Ctrl-C in a terminal reaches us alone, and we end the others in order.
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=HOME, env=environment, start_new_session=True, preexec_fn=_end_with_us
    )


def _end_with_us() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGTERM)


@contextmanager
def processes() -> Iterator[dict[str, Process]]:
    """Collects what is started, and ends it, gently at first."""
    started: dict[str, Process] = {}
    try:
        yield started
    finally:
        for process in started.values():
            process.terminate()
        deadline = time.monotonic() + STOPPED_WITHIN
        for process in started.values():
            _end(process, max(0.1, deadline - time.monotonic()))


def _end(process: Process, patience: float) -> None:
    try:
        process.wait(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_it_answers(process: Process, port: int) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not _answers(port):
        if process.poll() is not None:
            raise Failed("The console did not start; the reason is above.", abs(process.returncode))
        if time.monotonic() > deadline:
            raise Failed(f"The web server did not answer within {READY_WITHIN:.0f} seconds.")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/accounts/login/")
        return connection.getresponse().status < 600
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def watch(started: dict[str, Process], lease: Lease | None) -> None:
    """Until we are stopped. A worker that ends is started again; without the web server or the database it is over."""
    while True:
        time.sleep(0.5)
        if lease and not lease.is_running():
            raise Failed("PostgreSQL ended unexpectedly. Start again with script/server.", os.EX_SOFTWARE)
        if started["web"].poll() is not None:
            raise Failed("The web server ended unexpectedly. Start again with script/server.", os.EX_SOFTWARE)
        if started["worker"].poll() is not None:
            print(f"The job worker ended; it starts again in {PAUSE:.0f} seconds.", file=sys.stderr, flush=True)
            time.sleep(PAUSE)
            started["worker"] = start(worker(), without_owner(os.environ))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
