"""kill -9 of PostgreSQL under load: a cluster of its own, clients that approve, a worker that posts to both ledgers.

A killed process loses what it had in its memory, not what it had handed to the kernel. So this proves that nothing is
acknowledged before its commit is written (synchronous_commit, and our own order of things); that it reached the disk
(fsync) only a loss of power could show, and a check of the server's settings has to stand for it.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from billingadmin.postgres import embedded
from billingadmin.postgres.cluster import HOME
from proofs.planting import Planting

pytestmark = pytest.mark.django_db  # the tests' databases have no part in this, but what prepares them runs anyway

NAME = "kill -9 of PostgreSQL"


@pytest.fixture(scope="session")
def built():
    """The folder of a house that is ready and asleep; each proof kills in a copy of its own."""
    with scratch() as folder:
        assert not list(answers(folder))
        yield folder


def scratch():
    """A folder that PostgreSQL's user may enter, as the tests' own cluster is in."""
    folder = tempfile.TemporaryDirectory(prefix="killed-", dir=embedded.data_folder(), ignore_cleanup_errors=True)
    Path(folder.name).chmod(0o755)
    return folder


@pytest.fixture
def house(built, seed, progress):
    with scratch() as folder:
        copy = Path(folder) / "house"
        subprocess.run(["cp", "-a", built, copy], check=True)

        def house(kills, defect=""):
            """All that was found over so many kills."""
            told = answers(copy, kills, seed, *([defect] if defect else []))
            for _ in progress(range(kills)):
                next(told)
            return Counter(next(told))

        yield house


def answers(folder, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.endswith("DATABASE_URL")}
    environment |= {"BILLINGADMIN_DATA": str(folder), "LOG_LEVEL": "CRITICAL"}
    command = [sys.executable, "-W", "ignore", "-m", "proofs.crashing.house", *map(str, arguments)]
    with (
        (Path(folder) / "stderr").open("w+") as errors,
        subprocess.Popen(command, cwd=HOME, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True) as house,
    ):
        try:
            yield from map(json.loads, house.stdout)
            assert house.wait() == 0, Path(errors.name).read_text()[-4000:]
        finally:
            house.kill()


def hold(found):
    assert not found["missing"], f"{found['missing']} acknowledged decisions are missing"
    assert not found["forgotten"], f"{found['forgotten']} heads of the audit log that were seen are not there"
    assert not found["half"], f"{found['half']} requests are half written"
    assert set(+found) <= {"kills", "acknowledged", "applied"}
    assert found["acknowledged"]


@pytest.mark.proof(NAME)
def test_whatever_was_acknowledged_is_there_after_the_server_was_killed(house, times, figure):
    found = house(times(full=100, small=2))

    figure(
        f"{found['kills']} kills under load, half of them of the postmaster alone: {found['acknowledged']:,} "
        f"acknowledged decisions, {found['missing']} missing; {found['half']} half states; the audit log intact, "
        f"{found['forgotten']} of its heads forgotten; {found['applied']:,} applied, "
        f"{found['lost']} lost, {found['doubled']} duplicate"
    )
    hold(found)


@pytest.mark.sensitivity(NAME)
def test_an_answer_before_the_commit_would_be_caught(house, times, caught_here):
    with caught_here("the answer goes out before the commit", "acknowledged decisions are missing"):
        hold(house(times(full=10, small=4), "early"))


@pytest.mark.sensitivity(NAME)
def test_commits_that_do_not_wait_would_be_caught_and_move_no_money(house, times, caught_here):
    with caught_here("synchronous_commit is off", "acknowledged decisions are missing"):
        found = house(times(full=5, small=2), "asynchronous")
        assert not found["applied"], "money went through a server that forgets"
        hold(found)


@pytest.fixture
def caught_here(figure):
    """As ``caught`` of all proofs, without the tests' database, which has no part in this."""

    def caught_here(defect, match):
        return Planting(unblock=None).caught(defect, match=match, tell=figure)

    return caught_here
