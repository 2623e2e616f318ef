"""The story goes on: what happened in the minutes since it was told last.

What a minute brings is decided by the minute alone, so that the same minutes always tell the same, whoever asks when.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from billingadmin.sql import statement
from systems.imagegen.purses import JAPAN, Batch, Part, Purse
from systems.imagegen.story import bonuses, fates, wrongs
from systems.imagegen.story.books import Books, Charge
from systems.imagegen.story.history import DAYS, HOURS, JOBS, WEEKDAYS
from systems.imagegen.story.tables import JSON, Row, Tables, copy

SQL = Path(__file__).with_name("story.sql")
MINUTE = timedelta(minutes=1)
LONGEST = timedelta(days=3)  # what is told after a longer silence
UNFINISHED = timedelta(minutes=30)  # older ones are stuck on purpose
PER_MINUTE = JOBS * 1.2 / (DAYS * 24 * 60)
USUAL = sum(HOURS) / len(HOURS)
GOES_WRONG = (wrongs.never_refunded, wrongs.refunded_then_succeeded, wrongs.job_deleted, wrongs.refunded_another_amount)
GOES_WRONG_EVERY = 9 * 60  # minutes
HINDSIGHT = timedelta(minutes=25)  # what goes wrong takes a while; it is told when it is over
FAILS = 0.03


def go_on(cursor: Any, now: datetime) -> None:
    told = _rows(cursor, "newest_job")[0]["created_at"]
    if told is None:
        return
    for row in _rows(cursor, "in_progress", since=told - UNFINISHED):
        _go_on_with(cursor, row, now)
    for at in bonuses.first_mornings(max(told, now - LONGEST), now):
        for user in _rows(cursor, "users_with_expired", at=at):
            _with_books(
                cursor, Random(f"expiry {user['user_id']}"), user["user_id"], lambda books, at=at: books.expire(at)
            )
    for minute in _minutes(max(told, now - LONGEST), now):
        _tell_minute(cursor, minute, now)


def _minutes(told: datetime, now: datetime) -> Iterator[datetime]:
    """The whole minutes after the one told last."""
    minute = told.replace(second=0, microsecond=0) + MINUTE
    while minute + MINUTE <= now:
        yield minute
        minute += MINUTE


def _tell_minute(cursor: Any, minute: datetime, now: datetime) -> None:
    random = Random(f"minute {minute.isoformat()}")
    local, number = minute.astimezone(JAPAN), int(minute.timestamp()) // 60
    goes_wrong = number % GOES_WRONG_EVERY == 0
    # A minute in which something goes wrong always has a job of its own: the newest job says what has been told.
    if random.random() < PER_MINUTE * HOURS[local.hour] / USUAL * WEEKDAYS[local.weekday()] or goes_wrong:
        at = minute + timedelta(seconds=random.uniform(0, 59))
        _with_books(cursor, random, _user(cursor, random), lambda books: fates.ordinary(books, at, now))
    if goes_wrong:
        make = GOES_WRONG[number // GOES_WRONG_EVERY % len(GOES_WRONG)]
        _with_books(cursor, random, _user(cursor, random), lambda books: make(books, minute - HINDSIGHT))


def _user(cursor: Any, random: Random) -> Any:
    return _rows(cursor, "user_at", number=random.randrange(1_000_000))[0]["user_id"]


def _with_books(cursor: Any, random: Random, user_id: Any, deed: Any) -> Books:
    """Opens a user's books as the source has them, lets something happen, and writes down what it left."""
    books = Books(Tables(), random, user_id)
    books.paid = _rows(cursor, "hold_purses", user_id=user_id)[0]["paid_balance"]
    books.batches = [_batch(row) for row in _rows(cursor, "batches", user_id=user_id)]
    deed(books)
    _write(cursor, books)
    return books


def _batch(row: Row) -> Batch:
    granted = (row["amount"], row["remaining_amount"], row["granted_at"], row["expire_at"], row["source"])
    return Batch(row["id"], *granted, row["credit_transaction_id"])


def _write(cursor: Any, books: Books) -> None:
    if books.moved_at:
        told = {"user_id": books.user_id, "balance": books.balance, "paid": books.paid, "now": books.moved_at}
        _tell(cursor, "set_balance", **told)
        _tell(cursor, "forget_batches", user_id=books.user_id)
        books.close()
        books.tables.rows["user_credits"].clear()
    for table, rows in books.tables.rows.items():
        if rows:
            copy(cursor, table, rows)


# What was waiting or at work -----------------------------------------------------------------------------------------


def _go_on_with(cursor: Any, row: Row, now: datetime) -> None:
    random = Random(f"job {row['id']}")
    (one,) = fates.tries(Books(Tables(), random, row["user_id"]), row["started_at"] or row["updated_at"], 1)
    started = row["started_at"] or one.started_at
    if one.ended_at + timedelta(seconds=1) <= now:
        _with_books(cursor, random, row["user_id"], lambda books: _end(cursor, books, row, started, one.ended_at))


def _end(cursor: Any, books: Books, row: Row, started: datetime, ended: datetime) -> None:
    row |= {name: json.loads(row[name]) for name in JSON if row.get(name)} | {"id": str(row["id"])}
    paid, made = _charge(cursor, row), [fates.Try(started, ended)]
    _tell(cursor, "forget_job", job_id=row["id"])
    books.tables.add("image_jobs", **row)
    row = books.tables.rows["image_jobs"][-1]
    if books.random.random() < FAILS:
        fates.finish(books, row, "failed", made, row["attempts"] + 1, fates.FINAL[0])
        refund = books.refund(paid, fates.soon_after(row))
        _write_ahead(cursor, books, "credit_transactions")
        _tell(
            cursor, "restore_allocations", transaction_id=paid.row["id"], refund_id=refund["id"], at=row["updated_at"]
        )
    else:
        fates.complete(books, row, paid, made, row["attempts"])
        _write_ahead(cursor, books, "image_jobs", "generated_images")
        image = paid.row["related_generation_id"]
        _tell(cursor, "name_image", image_id=image, transaction_id=paid.row["id"])


def _write_ahead(cursor: Any, books: Books, *tables: str) -> None:
    """What other rows are about to name."""
    for table in tables:
        copy(cursor, table, books.tables.rows[table])
        books.tables.rows[table].clear()


def _charge(cursor: Any, row: Row) -> Charge:
    charge = _rows(cursor, "charge", user_id=row["user_id"], job_id=str(row["id"]))[0]
    parts = [_part(part) for part in _rows(cursor, "allocations", transaction_id=charge["id"])]
    return Charge(str(row["id"]), -charge["amount"], charge, parts)


def _part(row: Row) -> Part:
    purse, amount = Purse(row["allocation_kind"]), row["amount"]
    if purse == Purse.PAID:
        return Part(purse, amount)
    return Part(purse, amount, Batch(row["source_batch_id"], amount, 0, None, row["source_expire_at"], ""))


# Asking and telling --------------------------------------------------------------------------------------------------


def _rows(cursor: Any, name: str, **parameters: Any) -> list[Row]:
    cursor.execute(statement(SQL, name), parameters)
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _tell(cursor: Any, name: str, **parameters: Any) -> None:
    cursor.execute(statement(SQL, name), parameters)
