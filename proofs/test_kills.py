"""kill -9 of the web process and of the worker, at twelve named points and at any moment."""

import pytest

from accounts.demo import CAST
from audit.verification import Verdict, verify
from proofs.crashing import between, stage
from proofs.crashing.deaths import POINTS
from proofs.crashing.doors import Door
from proofs.crashing.kills import Kills

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "kill -9 of web and worker"


@pytest.fixture
def kills(play, server, approver, chance):
    return Kills(play, server, Door(approver, CAST["approver"].password), chance)


def hold(kills):
    found = kills.shortcomings()
    assert not found["doubled"], f"{found['doubled']} dues were paid twice"
    assert not found["lost"], f"{found['lost']} dues were never paid"
    assert not +found
    assert kills.unfinished == []


@pytest.mark.proof(NAME)
def test_whoever_is_killed_one_run_finishes_and_nothing_comes_twice(kills, times, figure, progress):
    at_points, at_random = times(full=50, small=1), times(full=400, small=8)

    for number in progress(range(at_points)):
        kills.at_every_point(number)
    for number in progress(range(at_random)):
        kills.at_random(number)

    stage.once_more()
    found = kills.shortcomings()
    figure(
        f"{kills.tally.total():,} kills ({len(POINTS)} named points × {at_points}, {at_random} at random), requests of "
        f"1 to {stage.MOST_LINES} lines: {found['lost']} lost, {found['doubled']} duplicate, "
        f"{len(kills.unfinished)} not recovered within one run"
    )
    hold(kills)
    assert all(kills.tally[point.name] == at_points for point in POINTS), kills.tally
    assert verify().verdict == Verdict.INTACT


@pytest.mark.sensitivity(NAME)
def test_a_worker_without_the_key_would_be_caught(kills, times, caught):
    with caught("no key table", "dues were paid twice"), between.without_the_key():
        for number in range(times(full=5, small=1)):
            kills.at_every_point(number)
        hold(kills)


@pytest.mark.proof("a long request killed half-way")
@pytest.mark.parametrize("slug", stage.LEDGERS)
def test_a_long_request_goes_on_where_it_was(play, server, slug, times, figure, chance):
    lines, kills = times(full=300, small=12), times(full=20, small=3)

    found = between.killed_half_way(play, server, slug, lines, kills, chance)

    figure(
        f"{lines} lines on {slug.capitalize()}, the worker killed {found['kills']} times on its way and run once more: "
        f"{found['lost']} lost, {found['doubled']} duplicate"
    )
    before = found.pop("posted before the last run")
    assert 0 < before < lines
    assert found == {"lines": lines, "kills": kills}
