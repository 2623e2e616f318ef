# ruff: noqa: F811 (fixtures are called as what they are imported as)
"""Switches whose backend does more than set and tell: it obeys, chatters, or answers in another word."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adjustments.switches import backends, flipping
from adjustments.switches.models import Flip, FlipState
from adjustments.switches.running import CAP, run
from adjustments.tests.test_switches import file, shop  # noqa: F401
from systems.base import CommandValue, Option, Run, Switch

pytestmark = pytest.mark.django_db

OBEY = """#!/bin/sh
echo "$1" >> {folder}/told
[ -e {folder}/refuses ] && [ "$1" != 100 ] && {{ echo "Bad price."; exit 1; }}
exit 0
"""


@pytest.fixture
def obeying(shop, file, tmp_path):
    """The price, with a program that makes the shop obey."""
    program = tmp_path / "obey"
    program.write_text(OBEY.format(folder=tmp_path))
    program.chmod(0o755)
    price = shop.switch("price")
    then = Run(argv=lambda value: [str(program), value], deadline=timedelta(seconds=5))
    return replace(price, backend=replace(price.backend, then=then))


def told_of(file):
    return (file.parent / "told").read_text().split()


def test_after_the_file_the_system_is_made_to_obey(obeying, file):
    assert backends.write(obeying, "120") == backends.Answer(backends.Outcome.ACTED)

    assert told_of(file) == ["120"]
    assert backends.read(obeying) == "120"


def test_where_it_does_not_obey_the_old_text_is_written_back_and_it_is_told_so(obeying, file):
    before = file.read_text()
    (file.parent / "refuses").touch()

    answer = backends.write(obeying, "120")

    assert answer.outcome == backends.Outcome.UNKNOWN
    assert "Bad price." in answer.why
    assert told_of(file) == ["120", "100"]
    assert file.read_text() == before


def test_what_somebody_wrote_meanwhile_is_not_rolled_back(obeying, file, monkeypatch):
    (file.parent / "refuses").touch()
    run = backends.run

    def running(program, value):
        ran = run(program, value)
        file.write_text("PRICE=130\n")
        return ran

    monkeypatch.setattr(backends, "run", running)

    answer = backends.write(obeying, "120")

    assert "changed by somebody else" in answer.why
    assert file.read_text() == "PRICE=130\n"


def test_endless_output_is_read_and_forgotten(tmp_path):
    program = tmp_path / "chatter"
    program.write_text("#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x\n")
    program.chmod(0o755)

    ran = run(Run(argv=lambda value: [str(program)], deadline=timedelta(seconds=30)), "")

    assert (ran.code, len(ran.output)) == (0, CAP)


def test_output_without_an_end_ends_at_the_deadline(tmp_path):
    ran = run(Run(argv=lambda value: ["yes"], deadline=timedelta(milliseconds=300)), "")

    assert (ran.code, len(ran.output)) == (None, CAP)


@pytest.mark.parametrize("before", ["stopped", "running"])
def test_what_is_read_back_may_be_another_word(tmp_path, before):
    """A restart reads “running”, also where it ran before."""
    state = tmp_path / "state"
    state.write_text(before)
    worker = Switch(
        code="worker",
        title="Worker",
        what="Restarts the worker.",
        backend=CommandValue(
            act=Run(argv=lambda value: ["sh", "-c", f"echo running > {state}"]),
            tell=Run(argv=lambda value: ["cat", str(state)]),
        ),
        options=(Option(value="restart", label="Restart"),),
        effective={"restart": "running"},
    )

    answer = backends.write(worker, "restart")
    outcome, columns = flipping.judged(Flip(value="restart"), worker, answer, before)

    assert (outcome, columns["effective_value"]) == (FlipState.DONE, "running")
    assert not worker.holds("restart", "stopped")
