"""Every question asked of the paperclip shop."""

from collections.abc import Iterable
from itertools import groupby

from systems.base import Row, Source


def double_payments(source: Source, keys: list | tuple) -> Iterable[Row]:
    """A computed facts source: one row per order that has payments, with how many count."""
    if isinstance(keys, tuple):
        payments = source.rows("payments_between", low=keys[0], high=keys[1])
    else:
        payments = source.rows("payments_of", orders=[int(key) for key in keys])
    payments.sort(key=lambda payment: payment["order_id"])
    for order, group in groupby(payments, key=lambda payment: payment["order_id"]):
        valid = [payment for payment in group if not payment["voided"]]
        if valid:
            yield {
                "order_id": str(order),
                "order_number": order,
                "paid_twice": len(valid) > 1,
                "extra": sum(payment["amount"] for payment in valid[1:]),
                "last_paid_at": valid[-1]["paid_at"],
            }


def order(source: Source, number: str) -> Row | None:
    return source.one("order", order=int(number))
