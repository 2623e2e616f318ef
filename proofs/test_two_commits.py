"""kill -9 between the ledger's commit and the console's, on both kinds of ledger."""

from collections import Counter

import pytest

from proofs.crashing import between, stage

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "between the two commits"
KILLS = {"full": 500, "small": 12}


def prove(play, server, count, **planted):
    """The kills, half of them on each ledger; whatever else is found is a shortcoming."""
    found = Counter()
    for slug in stage.LEDGERS:
        found += between.killed_between(play, server, slug, count // 2, **planted)
    return found


def hold(found, count):
    assert not found["doubled"], f"{found['doubled']} dues were paid twice"
    assert not found["lost"], f"{found['lost']} dues were never paid"
    assert found == {"kills": count}


def told(found):
    wrong = sum(found.values()) - sum(found[name] for name in ("kills", "doubled", "lost"))
    return (
        f"{found['kills']} kills between the two commits, half of them on PostgreSQL and half on SQLite: "
        f"{found['doubled']} duplicate, {found['lost']} lost, {wrong} otherwise wrong after one run"
    )


@pytest.mark.proof(NAME)
def test_whoever_is_killed_between_the_two_commits_nothing_is_lost_or_doubled(play, server, times, figure):
    count = times(**KILLS)

    found = prove(play, server, count)

    figure(told(found))
    hold(found, count)


@pytest.mark.sensitivity(NAME)
def test_without_the_key_duplicates_would_be_seen(play, server, times, caught):
    count = times(full=100, small=8)

    with caught("no key table", "dues were paid twice"), between.without_the_key():
        hold(prove(play, server, count), count)


@pytest.mark.sensitivity(NAME)
def test_with_the_console_written_first_losses_would_be_seen(play, server, times, caught, monkeypatch):
    monkeypatch.setattr(stage, "MOST_LINES", 1)
    count = times(full=50, small=4)

    with caught("the console is written before the ledger", "dues were never paid"):
        hold(prove(play, server, count, defect=between.console_first, only=between.CONSOLE_FIRST), count)
