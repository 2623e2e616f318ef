"""The shop's bank, outside of any database: it pays back by HTTP, once for each key, and can be asked for a key."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import UUID

from django.conf import settings

from systems.base import Line, Posting, Refused, Source
from systems.tests.paperclips import source as shop

TIMEOUT = 1.0  # seconds
KEYS_KEPT = timedelta(hours=24)


def draft(source: Source, number: str) -> Sequence[Line]:
    order = shop.order(source, number)
    if not order:
        raise Refused(f"There is no order {number}.")
    return [Line(subject=number, amount=-order["total"], unit="JPY", particulars={"order_id": number})]


def send(line: Line, posting: Posting) -> None:
    told = json.dumps({"order": line.subject, "amount": -line.amount}).encode()
    request = Request(_url(posting.key), data=told, method="PUT")
    try:
        with urlopen(request, timeout=TIMEOUT):
            return
    except HTTPError as answer:
        if answer.code == 422:
            raise Refused(f"The bank refused it: {answer.read().decode()}") from answer
        raise


def read_back(line: Line, key: UUID) -> dict[str, Any] | None:
    try:
        with urlopen(_url(key), timeout=TIMEOUT) as answer:
            return json.load(answer)
    except HTTPError as answer:
        if answer.code == 404:
            return None
        raise


def _url(key: UUID) -> str:
    return f"{settings.PAPERCLIPS_BANK_URL}/refunds/{key}"
