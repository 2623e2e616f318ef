import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from adjustments.content import Entry, canonical, changes, content_hash, settled
from systems.base import Line

KEY = UUID("00000000-0000-4000-8000-000000000001")


def signed(**changed):
    line = Line(subject="7", amount=changed.pop("amount", 500), unit="JPY", particulars={"order_id": "7"})
    entry = Entry(key=KEY, line=line, evidence=changed.pop("evidence", {"total": 500}))
    said = {
        "system": "paperclips",
        "correction": "book_payment",
        "subject_kind": "order",
        "subject": "7",
        "reason": "The bank statement shows it.",
        "policy_version": "house-1",
        "reverses": None,
        "entries": [entry],
    }
    return canonical(**said | changed)


def test_the_same_content_has_the_same_text():
    assert signed(evidence={"total": 500, "state": "shipped"}) == signed(evidence={"state": "shipped", "total": 500})


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": 501},
        {"evidence": {"total": 501}},
        {"evidence": {}},
        {"reason": "Another."},
        {"policy_version": "house-2"},
        {"subject": "8"},
        {"correction": "void_payment"},
        {"reverses": KEY},
    ],
)
def test_any_change_makes_another_hash(changed):
    assert content_hash(signed(**changed)) != content_hash(signed())


def test_an_instant_is_the_same_in_every_zone():
    noon = datetime(2026, 11, 2, 12, tzinfo=UTC)

    assert settled({"at": noon}) == settled({"at": noon.astimezone(timezone(timedelta(hours=9)))})


def test_no_float_stands_in_the_text():
    text = json.dumps(settled({"rate": 0.1, "price": Decimal("1.50"), "nested": {"ratios": [0.5]}}))

    assert json.loads(text, parse_float=pytest.fail)


def test_changes_are_told_column_by_column():
    found = changes(signed(), signed(amount=400, evidence={"total": 400}, reason="It was less."))

    assert [(change.where, change.name, change.before, change.after) for change in found] == [
        ("", "reason", "The bank statement shows it.", "It was less."),
        ("7", "amount", 500, 400),
        ("7", "total", 500, 400),
    ]
