"""The embedded PostgreSQL, started for real: it outlives nobody, and starts again whatever was killed."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from billingadmin.postgres import PostgresError, cluster, embedded
from billingadmin.postgres.binaries import major_version, runnable_binaries

HOLDER = """
import sys
from pathlib import Path
from billingadmin.postgres import cluster
from billingadmin.tests.test_postgres import small_cluster
held = cluster.lease(small_cluster(Path(sys.argv[1])))
print("held", flush=True)
sys.stdin.read()
"""


def small_cluster(folder, **changes):
    binaries = runnable_binaries(embedded.SHARED_FOLDER)
    shape = {"settings": {"shared_buffers": "16MB", "fsync": "off"}, "disposable": True, **changes}
    return cluster.Cluster(folder, binaries, major_version(binaries), superuser="boss", password="right", **shape)


@pytest.fixture(scope="module")
def folder():
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)  # PostgreSQL's user must reach what is in it
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def small(folder):
    return small_cluster(folder)


@pytest.fixture(autouse=True)
def nothing_left_running(small):
    yield
    until(lambda: not cluster._is_governed(small))


def until(holds, seconds=30):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def ask(small, question="select 1", password="right"):
    where = {"host": str(small.sockets), "port": cluster.PORT, "dbname": "postgres", "user": "boss"}
    with psycopg.connect(**where, password=password) as connection:
        return connection.execute(question).fetchone()[0]


def holder(small):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(small.folder)],
        cwd=cluster.HOME,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"held\n"
    return process


def end(process):
    with process:  # closes its pipes and waits for it
        process.kill()


def postmaster(small):
    return int((small.data / "postmaster.pid").read_text().split()[0])


def test_it_answers_while_it_is_held_and_ends_after(small):
    held = cluster.lease(small)

    assert ask(small) == 1
    held.close()
    assert not (small.data / "postmaster.pid").exists()


def test_every_role_needs_its_password(small):
    held = cluster.lease(small)

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(small, password="wrong")
    held.close()


def test_it_listens_on_no_network(small):
    held = cluster.lease(small)

    assert ask(small, "show listen_addresses") == ""
    held.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_of_the_machine_cannot_reach_the_socket(small):
    held = cluster.lease(small)
    stranger = pwd.getpwnam("daemon").pw_uid
    found = subprocess.run(["/bin/ls", str(small.sockets)], user=stranger, capture_output=True, text=True)

    held.close()
    assert "Permission denied" in found.stderr


def test_those_who_come_at_once_share_one_server(small):
    first, second = holder(small), holder(small)
    server = postmaster(small)

    end(first)
    third = cluster.lease(small)

    assert postmaster(small) == server
    assert ask(small) == 1
    end(second)
    assert ask(small) == 1
    third.close()


def test_a_killed_user_leaves_no_server_behind(small):
    user = holder(small)
    server = postmaster(small)

    end(user)

    until(lambda: not Path(f"/proc/{server}").exists())
    assert not (small.data / "postmaster.pid").exists()


def test_a_killed_keeper_takes_the_server_with_it_and_the_next_start_works(small):
    user = holder(small)
    server = postmaster(small)

    os.kill(parent(server), signal.SIGKILL)
    until(lambda: not Path(f"/proc/{server}").exists())
    held = cluster.lease(small)

    assert ask(small) == 1
    end(user)
    held.close()


def test_a_killed_server_starts_again(small):
    held = cluster.lease(small)
    os.kill(postmaster(small), signal.SIGKILL)
    until(lambda: not held.is_running())
    held.close()

    again = cluster.lease(small)

    assert ask(small) == 1
    again.close()


@pytest.mark.parametrize("whose", ["our own", "nobody's"])
def test_a_note_of_a_server_that_is_gone_is_not_believed(small, whose):
    cluster.lease(small).close()
    number = os.getpid() if whose == "our own" else 4_194_303
    (small.data / "postmaster.pid").write_text(f"{number}\n{small.data}\n1\n5432\n{small.sockets}\n\n0 0\nready   \n")

    held = cluster.lease(small)

    assert ask(small) == 1
    held.close()


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


# What a person is told -----------------------------------------------------------------------------------------------


def test_data_of_another_version_is_refused(small):
    cluster.lease(small).close()
    version = small.data / "PG_VERSION"
    before = version.read_text()
    version.write_text("99\n")

    with pytest.raises(PostgresError, match=r"made by PostgreSQL 99, but the binaries are \d+"):
        cluster.lease(small)
    version.write_text(before)


def test_no_empty_database_is_made_beside_one_of_another_version(tmp_path):
    (tmp_path / "pg99").mkdir()
    (tmp_path / "pg99" / "PG_VERSION").write_text("99\n")

    with pytest.raises(PostgresError, match="was made by PostgreSQL 99"):
        cluster.lease(small_cluster(tmp_path, disposable=False))


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "ROOM_FOR_A_CLUSTER", 2**62)

    with pytest.raises(PostgresError, match="The disk is full"):
        cluster.lease(small_cluster(tmp_path))


def test_a_folder_without_postgres_is_named(monkeypatch):
    monkeypatch.setenv("POSTGRES_BIN", "/tmp")

    with pytest.raises(PostgresError, match="POSTGRES_BIN is /tmp"):
        runnable_binaries(embedded.SHARED_FOLDER)


def test_a_socket_folder_that_somebody_else_made_is_refused(tmp_path):
    mine = tmp_path / "sockets"
    mine.mkdir(mode=0o777)
    mine.chmod(0o777)

    with pytest.raises(PostgresError, match="was not made by us"):
        cluster._prepare_sockets(mine)
