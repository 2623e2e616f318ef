import itertools

import pytest
from django.db import connection

from adjustments.states import CLOSED_UNAPPLIED, LIVE, MOVES, OPEN, State


@pytest.mark.django_db
def test_the_database_knows_the_same_moves_pair_by_pair():
    for before, after in itertools.product(State, State):
        with connection.cursor() as cursor:
            cursor.execute("select adjustments_may_move(%s, %s)", [before, after])
            assert cursor.fetchone()[0] == (after in MOVES[before]), (before, after)


def test_every_state_is_open_applied_or_closed():
    assert OPEN | {State.APPLIED} | CLOSED_UNAPPLIED == set(State)
    assert LIVE.isdisjoint(CLOSED_UNAPPLIED)


def test_what_is_over_does_not_move():
    assert not any(MOVES[state] for state in State if state not in OPEN)
