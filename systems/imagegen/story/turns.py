"""Turns that the odd stories share: a job picked up again, a charge told in another spelling, a job deleted."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from systems.imagegen.story import fates
from systems.imagegen.story.books import Books, Charge
from systems.imagegen.story.tables import Row

MINUTE = timedelta(minutes=1)


def picked_up_again(books: Books, row: Row, paid: Charge | None) -> None:
    made = fates.tries(books, row["completed_at"] + 4 * MINUTE, 1)
    fates.log(books, row, made[0].started_at, "worker picked up a job that was failed", "warning")
    fates.complete(books, row, paid, made, row["attempts"])


def charged_as(
    books: Books, at: datetime, *, spell: Callable[[str], Any] = str, recorded: bool = True
) -> tuple[Row, Charge]:
    row = fates.job(books, at)
    made = fates.tries(books, at, 1)
    books.afford(fates.cost(row), made[0].started_at)
    paid = fates.charge(books, row, made[0].started_at, recorded=recorded, job_id=spell(row["id"]))
    fates.complete(books, row, paid if recorded else None, made, 0)
    return row, paid


def left_waiting(books: Books, at: datetime) -> tuple[Row, list[fates.Try], Charge]:
    row = fates.job(books, at)
    made = fates.tries(books, at, 1)
    books.afford(fates.cost(row), made[0].started_at)
    return row, made, fates.charge(books, row, made[0].started_at)


def unpayable(books: Books, at: datetime) -> Row:
    row = fates.job(books, at)
    fates.finish(books, row, "failed", fates.tries(books, at, 1), 1, fates.SHORT)
    return row


def charge_of_no_job(books: Books, at: datetime, **metadata: Any) -> Row:
    """Made by the synchronous interface: it names an image, no job."""
    books.afford(20, at)
    no_job = {"id": None, "model": None, "generation_type": "coordinate", "requested_image_count": 1}
    image = fates.picture(books, no_job, None, at)
    paid = books.charge(no_job, 20, at, **metadata)
    forget_allocations(books, paid)
    paid.row["related_generation_id"] = image["id"]
    return paid.row


def forget_allocations(books: Books, paid: Charge) -> None:
    for allocation in paid.allocations:
        books.tables.remove("generation_percoin_allocations", allocation)
    paid.allocations.clear()


def delete(books: Books, row: Row, paid: Charge) -> None:
    """The owner deletes the job; its allocations go with it, its image stays and forgets it."""
    books.tables.remove("image_jobs", row)
    forget_allocations(books, paid)
    for image in books.tables.rows["generated_images"][-4:]:
        if image["image_job_id"] == row["id"]:
            image["image_job_id"] = None
