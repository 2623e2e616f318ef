from collections.abc import Mapping, Sequence
from typing import Any

from systems.base import Correction, CorrectionKind, Line, Posting, Refused, Row, Source
from systems.tests.paperclips import bank
from systems.tests.paperclips import source as shop


def draft(source: Source, number: str) -> Sequence[Line]:
    order = shop.order(source, number)
    if not order:
        raise Refused(f"There is no order {number}.")
    return [Line(subject=number, amount=order["total"], unit="JPY", particulars={"order_id": number})]


def evidence(cursor: Any, line: Line, lock: bool) -> Row | None:
    until_the_end = "for no key update" if lock else ""
    cursor.execute(f"select id, total, customer from orders where id = %s {until_the_end}", [int(line.subject)])
    found = cursor.fetchone()
    return {"order_id": str(found[0]), "total": found[1], "customer": found[2]} if found else None


def effects(cursor: Any, line: Line) -> Mapping[str, tuple[int, str]]:
    cursor.execute(
        "select coalesce(sum(amount), 0) from payments where order_id = %s and not voided", [int(line.subject)]
    )
    return {"paid": (cursor.fetchone()[0], "JPY")}


def post(cursor: Any, line: Line, posting: Posting) -> dict[str, Any]:
    cursor.execute("select state from orders where id = %s", [int(line.subject)])
    if cursor.fetchone() == ("cancelled",):
        raise Refused("The order is cancelled; there is nothing to pay for.")
    cursor.execute(
        "insert into payments (order_id, amount, paid_at) values (%s, %s, %s) returning id",
        [int(line.subject), line.amount, posting.now],
    )
    return {"payment_id": cursor.fetchone()[0]}


def draft_void(source: Source, number: str) -> Sequence[Line]:
    valid = [payment for payment in source.rows("payments_of", orders=[int(number)]) if not payment["voided"]]
    if not valid:
        raise Refused(f"Order {number} has no payment to void.")
    particulars = {"order_id": number, "payment_id": str(valid[-1]["id"])}
    return [Line(subject=number, amount=-valid[-1]["amount"], unit="JPY", particulars=particulars)]


def evidence_of_payment(cursor: Any, line: Line, lock: bool) -> Row | None:
    until_the_end = "for no key update of p" if lock else ""
    asked = f"""select p.id, p.amount, p.voided, o.customer
        from payments p join orders o on o.id = p.order_id where p.id = %s {until_the_end}"""
    cursor.execute(asked, [int(line.particulars["payment_id"])])
    found = cursor.fetchone()
    return dict(zip(("payment_id", "amount", "voided", "customer"), found, strict=True)) if found else None


def void(cursor: Any, line: Line, posting: Posting) -> dict[str, Any]:
    if evidence_of_payment(cursor, line, True)["amount"] != -line.amount:
        raise Refused("The payment is another amount than the one that is to be voided.")
    cursor.execute("update payments set voided = true where id = %s", [int(line.particulars["payment_id"])])
    return {"payment_id": int(line.particulars["payment_id"])}


def ledger_row(cursor: Any, receipt: Mapping[str, Any]) -> Row | None:
    cursor.execute("select amount from payments where id = %s", [receipt["payment_id"]])
    found = cursor.fetchone()
    return {"amount": found[0]} if found else None


def voided_row(cursor: Any, receipt: Mapping[str, Any]) -> Row | None:
    cursor.execute("select amount, voided from payments where id = %s", [receipt["payment_id"]])
    found = cursor.fetchone()
    return {"amount": -found[0]} if found and found[1] else None


def void_booked(line: Line, receipt: Row) -> Line:
    particulars = {"order_id": line.subject, "payment_id": str(receipt["payment_id"])}
    return Line(subject=line.subject, amount=-line.amount, unit=line.unit, particulars=particulars)


def book_voided(line: Line, receipt: Row) -> Line:
    return Line(subject=line.subject, amount=-line.amount, unit=line.unit, particulars={"order_id": line.subject})


CORRECTIONS = (
    Correction(
        code="book_payment",
        title="Book the missing payment",
        what="Writes the payment that arrived and was never booked.",
        kind=CorrectionKind.POSTING,
        answers=("shipped_unpaid",),
        subject_kind="order",
        unit="JPY",
        particulars=("order_id",),
        draft=draft,
        evidence=evidence,
        effects=effects,
        post=post,
        customer="customer",
        reversal="void_payment",
        ledger_row=ledger_row,
        reverse=void_booked,
    ),
    Correction(
        code="void_payment",
        title="Void a payment",
        what="Marks the order's last payment as void.",
        kind=CorrectionKind.POSTING,
        answers=("paid_twice",),
        subject_kind="order",
        unit="JPY",
        particulars=("order_id", "payment_id"),
        draft=draft_void,
        evidence=evidence_of_payment,
        effects=effects,
        post=void,
        customer="customer",
        reversal="book_payment",
        ledger_row=voided_row,
        reverse=book_voided,
    ),
    Correction(
        code="pay_back",
        title="Pay back through the bank",
        what="Asks the bank to pay the order's total back.",
        kind=CorrectionKind.REMOTE_CALL,
        answers=(),
        subject_kind="order",
        unit="JPY",
        particulars=("order_id",),
        draft=bank.draft,
        evidence=evidence,
        effects=effects,
        customer="customer",
        send=bank.send,
        read_back=bank.read_back,
        keys_kept=bank.KEYS_KEPT,
    ),
    Correction(
        code="hand_back",
        title="Hand the money back over the counter",
        what="Somebody in the shop hands the order's total back.",
        kind=CorrectionKind.PROCEDURE,
        answers=(),
        subject_kind="order",
        unit="JPY",
        particulars=("order_id",),
        draft=bank.draft,
        evidence=evidence,
        effects=effects,
        customer="customer",
        instructions=("Count the money out of the till.", "Have the customer sign for it."),
        proof="The number of the signed slip",
    ),
)
