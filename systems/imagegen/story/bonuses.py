"""What flows into the purses beside purchases, and what expires out of them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from systems.imagegen.purses import JAPAN
from systems.imagegen.story.books import Books

EXPIRY_HOUR = timedelta(hours=9, minutes=5)  # on the first of the month, in Japan


def of(random: Random, since: datetime, now: datetime) -> Iterator[tuple[datetime, "Bonus"]]:
    """Everything that comes by itself in the life of a user who came at ``since``."""
    yield since, Bonus("signup_bonus", 50)
    if random.random() < 0.6:
        yield since + timedelta(minutes=random.uniform(5, 900)), Bonus("tour_bonus", 20)
    if random.random() < 0.08:
        yield since + timedelta(hours=random.uniform(1, 90)), Bonus("referral", 100)
    yield from _regular(random, since, now)
    if random.random() < 0.07:
        yield _between(random, since, now), Bonus("admin_bonus", 100)
    if random.random() < 0.05:
        yield _between(random, since, now), Bonus("collection_completion", 30)
    for at in first_mornings(since, now):
        yield at, expire


def first_mornings(since: datetime, until: datetime) -> Iterator[datetime]:
    """The moments of the monthly expiry after ``since``, up to ``until``."""
    month = since.astimezone(JAPAN).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while (at := (month + EXPIRY_HOUR).astimezone(UTC)) <= until:
        if at > since:
            yield at
        month = (month + timedelta(days=32)).replace(day=1)


def _regular(random: Random, since: datetime, now: datetime) -> Iterator[tuple[datetime, "Bonus"]]:
    days = max((now - since).days, 1)
    for _ in range(random.choice((0, 0, 1, 2, 4, 8, 15))):
        yield _between(random, since, now), Bonus("daily_post", 5)
    for _ in range(random.choice((0, 0, 0, 1, 2, 5))):
        yield _between(random, since, now), Bonus("streak", random.choice((10, 20, 50)))
    if random.random() < 0.1:
        start = random.uniform(0, days)
        for month in range(int((days - start) // 30) + 1):
            yield since + timedelta(days=start + 30 * month), Bonus("subscription", 300)


def _between(random: Random, since: datetime, now: datetime) -> datetime:
    return since + (now - since) * random.random()


class Bonus:
    """Free credits that come at a time."""

    def __init__(self, kind: str, amount: int) -> None:
        self.kind, self.amount = kind, amount

    def __call__(self, books: Books, at: datetime) -> None:
        columns = {}
        if self.kind == "subscription":
            columns["stripe_payment_intent_id"] = f"in_{books.random.getrandbits(96):024x}"
        if self.kind == "admin_bonus":
            told = {"reason": "お詫び", "admin_id": books.uuid(), "balance_type": "unlimited", "expire_at": None}
            columns["metadata"] = told
        books.grant(self.kind, self.amount, at, **columns)


def expire(books: Books, at: datetime) -> None:
    books.expire(at)
