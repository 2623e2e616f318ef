from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from billingadmin.sql import statement
from systems.base import Demo

SQL = Path(__file__).with_name("demo.sql")
STATES = ("open", "shipped", "shipped", "cancelled")


def build(cursor: Any, now: datetime, seed: int) -> None:
    """Sixty orders, one an hour: every third is unpaid, every seventh is paid twice, every tenth is a sample."""
    for number in range(1, 61):
        at = now - timedelta(hours=number)
        order = {"id": number, "state": STATES[(number + seed) % 4], "total": 0 if number % 10 == 0 else 500, "at": at}
        cursor.execute(statement(SQL, "order"), order)
        for _ in range((number % 3 > 0) + (number % 7 == 0)):
            cursor.execute(statement(SQL, "payment"), order)


def tick(cursor: Any, now: datetime) -> None:
    cursor.execute(statement(SQL, "next_order"), {"at": now})


DEMO = Demo(build=build, tick=tick)
