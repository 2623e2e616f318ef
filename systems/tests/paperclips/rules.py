from systems.base import Facts, Rule, Severity
from systems.tests.paperclips import source

FACTS = (
    Facts(
        name="order_payment",
        kind="order",
        subject="order_id",
        subject_type="text",
        key="order_number",
        key_type="integer",
        booleans={
            "shipped": "The order was shipped.",
            "sample": "The order is a free sample.",
            "paid": "A payment names the order.",
        },
    ),
    Facts(
        name="double_payment",
        kind="order",
        subject="order_id",
        subject_type="text",
        key="order_number",
        key_type="integer",
        booleans={"paid_twice": "More than one payment counts for the order."},
        compute=source.double_payments,
    ),
)

RULES = (
    Rule(
        code="shipped_unpaid",
        title="Shipped, but not paid",
        why="Paperclips left the house and no payment names the order.",
        facts="order_payment",
        when={"shipped": True, "paid": False},
        severity=Severity.MAJOR,
        observed_at="changed_at",
        amount="total",
        unit="JPY",
        expected="sample",
    ),
    Rule(
        code="paid_twice",
        title="Paid twice",
        why="Two payments count for one order.",
        facts="double_payment",
        when={"paid_twice": True},
        severity=Severity.MINOR,
        observed_at="last_paid_at",
        amount="extra",
        unit="JPY",
    ),
)
