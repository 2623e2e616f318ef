from collections.abc import Mapping, Sequence

from systems.base import Event, Match, Personal, Source, SubjectKind
from systems.tests.paperclips import source as shop


def recognise(text: str) -> str | None:
    number = text.strip().removeprefix("#")
    return str(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None


def find(source: Source, number: str) -> Sequence[Match]:
    order = shop.order(source, number)
    return [Match(kind="order", id=number, label=f"order {number}, {order['state']}")] if order else []


def describe(source: Source, number: str) -> Mapping[str, object]:
    order = shop.order(source, number)
    return {"Customer": Personal(order["customer"]), "State": order["state"]} if order else {}


def events(source: Source, number: str) -> Sequence[Event]:
    order = shop.order(source, number)
    if not order:
        return []
    payments = source.rows("payments_of", orders=[order["id"]])
    known = [
        Event(at=order["changed_at"], kind="job", title=f"order {order['state']}", amount=order["total"], unit="JPY")
    ]
    known += [
        Event(at=row["paid_at"], kind="ledger", title="payment", amount=row["amount"], unit="JPY") for row in payments
    ]
    if not payments:
        known.append(Event(at=order["changed_at"], kind="ledger", title="payment", ghost=True))
    return known


SUBJECTS = (
    SubjectKind(slug="order", label="order", recognise=recognise, find=find, describe=describe, timeline=events),
)
