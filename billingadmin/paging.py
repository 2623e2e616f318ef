"""Keyset pages: the thousandth is as fast as the first, and rows that arrive meanwhile move nothing.

The ordering columns all run one way, hold no NULL and end in a unique one, so that PostgreSQL can walk one index:
``(a, b, id) < (x, y, z)``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import F, Model, QuerySet
from django.db.models.fields import DateTimeField, IntegerField, UUIDField
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from billingadmin.http import BadCursor, decode_cursor, encode_cursor

SIZE = 50

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows in their order, and the cursors of the pages before and after ("" where there is none)."""

    rows: Sequence[Row]
    before: str
    after: str


def keyset_page(
    queryset: QuerySet[Row], *, by: Sequence[str], after: str = "", before: str = "", size: int = SIZE
) -> Page[Row]:
    """One page of ``queryset`` by the columns ``by``: all ascending or all with a minus, the last one unique.

    ``after`` and ``before`` are the request's cursors as they came. One that is not ours, or that leads past an end,
    gives the first page.
    """
    columns = [name.removeprefix("-") for name in by]
    start = start_of(queryset, columns, before or after)
    backwards = bool(before) and start is not None
    rows = list(from_start(queryset, columns, start, descending=by[0].startswith("-") != backwards)[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    if start is not None and not (more if backwards else rows):
        return keyset_page(queryset, by=by, size=size)
    if backwards:
        rows.reverse()
    return Page(
        rows,
        before=cursor_at(rows[0], columns) if start is not None else "",
        after=cursor_at(rows[-1], columns) if more or backwards else "",
    )


def start_of(queryset: QuerySet, columns: Sequence[str], text: str) -> tuple[Any, ...] | None:
    kinds = [kind_of(queryset, name) for name in columns]
    try:
        return decode_cursor(text, *kinds) if text else None
    except BadCursor:
        return None


def kind_of(queryset: QuerySet, name: str) -> type:
    field = queryset.model._meta.pk if name == "pk" else queryset.model._meta.get_field(name)
    field = getattr(field, "output_field", field)  # a generated column is of the kind it generates
    kinds = ((DateTimeField, datetime), (IntegerField, int), (UUIDField, UUID))
    return next((kind for family, kind in kinds if isinstance(field, family)), str)


def from_start(
    queryset: QuerySet[Row], columns: Sequence[str], start: tuple[Any, ...] | None, *, descending: bool
) -> QuerySet[Row]:
    ordered = queryset.order_by(*(f"-{name}" if descending else name for name in columns))
    if start is None:
        return ordered
    compare = TupleLessThan if descending else TupleGreaterThan
    return ordered.filter(compare(Tuple(*(F(name) for name in columns)), start))


def cursor_at(row: Model, columns: Sequence[str]) -> str:
    return encode_cursor(*(getattr(row, name) for name in columns))
