from datetime import UTC, datetime, timedelta

import pytest

from systems.imagegen.purses import Batch, Purse, ShortBalance, expiry, parts_of, split, totals

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


def batch(name, remaining, days=None, granted=NOW):
    expire_at = None if days is None else NOW + timedelta(days=days)
    return Batch(name, 100, remaining, granted, expire_at, "signup_bonus")


def spent(*arguments):
    return [(part.batch.id if part.batch else "paid", part.amount) for part in parts_of(*arguments, NOW)]


def test_the_earliest_expiry_goes_first_then_what_never_expires_then_what_was_paid_for():
    batches = [batch("for ever", 5), batch("late", 5, days=30), batch("early", 5, days=2)]

    assert spent(18, batches, 10) == [("early", 5), ("late", 5), ("for ever", 5), ("paid", 3)]


def test_of_two_with_one_expiry_the_one_granted_earlier_goes_first():
    batches = [batch("second", 5, days=2), batch("first", 5, days=2, granted=NOW - timedelta(days=1))]

    assert spent(6, batches, 0) == [("first", 5), ("second", 1)]


def test_what_has_expired_is_not_spent_even_before_the_monthly_expiry():
    assert spent(5, [batch("over", 50, days=-1)], 5) == [("paid", 5)]


def test_a_short_balance_says_how_much_is_missing():
    with pytest.raises(ShortBalance, match="7 credits are missing"):
        parts_of(20, [batch("only", 3, days=2)], 10, NOW)


def test_nothing_is_taken_by_asking():
    one = batch("only", 30, days=2)

    parts_of(20, [one], 0, NOW)

    assert one.remaining == 30


def test_a_ledger_row_tells_the_split_in_the_sources_own_keys():
    parts = parts_of(18, [batch("for ever", 5), batch("early", 10, days=2)], 10, NOW)

    assert split("from", totals(parts)) == {
        "from_promo": 15,
        "from_paid": 3,
        "from_period_limited": 10,
        "from_unlimited_bonus": 5,
    }
    assert totals(parts)[Purse.PAID] == 3


@pytest.mark.parametrize(
    ("granted_at", "expires_at"),
    [
        # The month is the one in Japan: nine hours before midnight UTC it is the next day there.
        (datetime(2026, 3, 15, tzinfo=UTC), datetime(2026, 9, 30, 14, 59, 59, tzinfo=UTC)),
        (datetime(2026, 3, 31, 15, 0, tzinfo=UTC), datetime(2026, 10, 31, 14, 59, 59, tzinfo=UTC)),
        (datetime(2026, 8, 1, tzinfo=UTC), datetime(2027, 2, 28, 14, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_batch_lasts_until_the_end_of_the_sixth_month_after_its_own(granted_at, expires_at):
    assert expiry(granted_at) == expires_at
