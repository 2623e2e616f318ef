"""What is odd and right, or at least not for the rules to find."""

from datetime import datetime

from systems.imagegen.story import fates, turns
from systems.imagegen.story.books import Books
from systems.imagegen.story.turns import charge_of_no_job, charged_as, forget_allocations, left_waiting


def style_without_its_object(books: Books, at: datetime) -> None:
    fates.succeed(books, at, generation_type="one_tap_style", generation_metadata=None)


def capital_letters(books: Books, at: datetime) -> None:
    charged_as(books, at, spell=str.upper)


def synchronous_charge(books: Books, at: datetime) -> None:
    charge_of_no_job(books, at)["metadata"] = {"reason": "image_generation", "source": "consume_api"}


def charge_without_metadata(books: Books, at: datetime) -> None:
    charge_of_no_job(books, at)["metadata"] = None


def bonus_without_a_date(books: Books, at: datetime) -> None:
    books.grant("prompt_use_bonus", 5, None)


def three_tries(books: Books, at: datetime) -> None:
    row, paid = fates.fail(books, at, failed=3)
    books.refund(paid, fates.soon_after(row))


def refunded_the_older_way(books: Books, at: datetime) -> None:
    row, paid = fates.fail(books, at)
    promo = paid.row["metadata"]["from_promo"]
    forget_allocations(books, paid)
    books.refund_unallocated(row["id"], promo, paid.amount - promo, fates.soon_after(row))


def refunded_twice_in_the_purse(books: Books, at: datetime) -> None:
    row, paid = fates.fail(books, at)
    books.refund(paid, fates.soon_after(row))
    books.paid += paid.amount  # the second ledger row was refused as a duplicate, the balance had been raised already


def stale(books: Books, at: datetime) -> None:
    row, made, _ = left_waiting(books, at)
    started = made[0].started_at
    row |= {"status": "processing", "processing_stage": "uploading", "started_at": started, "updated_at": started}


def not_paid(books: Books, at: datetime) -> None:
    turns.unpayable(books, at)


def unknown_style(books: Books, at: datetime) -> None:
    fates.succeed(books, at, generation_type="plush_style")


def promotional_purchase(books: Books, at: datetime) -> None:
    books.buy(200, at, bucket="promo")


def deducted_by_an_admin(books: Books, at: datetime) -> None:
    books.afford(30, at)
    books.deduct(30, at)
