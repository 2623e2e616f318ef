from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session

from billingadmin.http import encode_cursor
from billingadmin.paging import keyset_page

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NEWEST_FIRST = ("-expire_date", "-session_key")

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows():
    """Seven rows, three of one instant."""
    ages = [0, 1, 1, 1, 2, 3, 4]
    Session.objects.bulk_create(
        Session(session_key=f"k{number}", session_data="", expire_date=NOW - timedelta(hours=age))
        for number, age in enumerate(ages)
    )
    return [row.session_key for row in Session.objects.order_by(*NEWEST_FIRST)]


def page(by=NEWEST_FIRST, **options):
    found = keyset_page(Session.objects.all(), by=by, **{"size": 3, **options})
    return found, [row.session_key for row in found.rows]


def test_pages_follow_each_other_through_ties(rows):
    first, keys = page()
    second, more = page(after=first.after)
    third, rest = page(after=second.after)

    assert keys + more + rest == rows
    assert (first.before, third.after) == ("", "")


def test_one_can_go_back_the_way_one_came(rows):
    first, keys = page()
    second, more = page(after=first.after)
    third, _rest = page(after=second.after)

    back, again = page(before=third.before)

    assert again == more
    assert page(before=back.before)[1] == keys
    assert page(before=back.before)[0].before == ""


def test_ascending_is_the_other_way_round(rows):
    by = ("expire_date", "session_key")
    first, keys = page(by=by)

    assert keys == rows[::-1][:3]
    assert page(by=by, after=first.after)[1] == rows[::-1][3:6]


def test_rows_that_arrive_meanwhile_move_nothing(rows):
    first, _keys = page()
    Session.objects.create(session_key="new", session_data="", expire_date=NOW + timedelta(hours=1))

    assert page(after=first.after)[1] == rows[3:6]


def test_an_exact_page_has_no_next(rows):
    assert page(size=7)[0].after == ""
    assert page(size=8)[0].after == ""


@pytest.mark.parametrize("cursor", ["nonsense", "bnVsbA", encode_cursor("k1", NOW), encode_cursor(1)])
def test_a_cursor_that_is_not_ours_gives_the_first_page(rows, cursor):
    assert page(after=cursor)[1] == page(before=cursor)[1] == rows[:3]


def test_past_either_end_lies_the_first_page(rows):
    oldest, newest = encode_cursor(NOW - timedelta(days=9), "a"), encode_cursor(NOW + timedelta(days=9), "z")

    assert page(after=oldest)[1] == page(before=newest)[1] == rows[:3]


def test_no_rows_is_an_empty_page():
    found, keys = page()

    assert (keys, found.before, found.after) == ([], "", "")


def test_a_page_walks_the_index_by_one_comparison_of_rows(rows, django_assert_num_queries):
    first, _keys = page()

    with django_assert_num_queries(1) as asked:
        page(after=first.after)

    assert '("django_session"."expire_date", "django_session"."session_key") < (' in asked[0]["sql"]
