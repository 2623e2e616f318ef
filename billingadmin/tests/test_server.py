"""The server as a person starts and ends it: one long test of the whole, on a folder of data of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from http.client import HTTPConnection
from pathlib import Path

import pytest

from billingadmin.postgres.cluster import HOME
from billingadmin.tests.test_postgres import until


@pytest.fixture
def environment():
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)  # PostgreSQL's user must reach what is in it
    ours = ("BILLINGADMIN", "DJANGO", "SECRET", "DATABASE")
    yield {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
        "BILLINGADMIN_DATA": str(folder)
    }
    shutil.rmtree(folder, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def started(environment, port):
    """The server once it has said that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "billingadmin.supervisor", "--empty", "--port", str(port)],
        cwd=HOME, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = []
    while "The console is ready" not in (line := process.stdout.readline()):
        assert line, "".join(said)
        said.append(line)
    return process


def sign_in_page(port):
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/accounts/login/")
    status = connection.getresponse().status
    connection.close()
    return status


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_it_serves_ends_with_all_it_started_and_starts_again_whatever_was_killed(environment):
    port = free_port()

    with started(environment, port) as server:
        assert sign_in_page(port) == 200
        server.send_signal(signal.SIGKILL)
    until(lambda: is_free(port))

    with started(environment, port) as server:
        assert sign_in_page(port) == 200
        server.send_signal(signal.SIGINT)
        assert server.stdout.read().endswith("Stopped.\n")
    assert server.returncode == 0
    assert is_free(port)
    assert not list(Path(environment["BILLINGADMIN_DATA"]).glob("site/pg*/postmaster.pid"))
