"""A file of subjects, one a row, as people keep them: read row by row, and each row answered for."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from billingadmin.amounts import NotAnAmount, parse

MOST_BYTES = 1_000_000
DELIMITERS = ",;\t"
AMOUNT = "amount"


class NotAFile(Exception):
    """Nothing of this can be read. The text says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class SheetRow:
    """``number`` is the row as a spreadsheet counts them. ``why`` says what is wrong with it, if anything is."""

    number: int
    subject: str
    amount: int | None = None
    why: str = ""


def decoded(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise NotAFile(_("The file is larger than a megabyte. Cut it into several requests."))
    if b"\x00" in content:
        raise NotAFile(_("This is not a CSV file. Save the sheet as CSV in UTF-8."))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotAFile(_not_utf8(content)) from None


def _not_utf8(content: bytes) -> str:
    try:
        content.decode("cp932")
    except UnicodeDecodeError:
        return _("The file is not written in UTF-8. Save it as CSV in UTF-8.")
    return _("The file is written in Shift_JIS. Save it as “CSV UTF-8”, and send it again.")


def rows(text: str, *, names: Sequence[str], unit: str) -> list[SheetRow]:
    """``names`` are what the column of the subjects may be called. Empty rows are no rows."""
    lines = list(csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=_delimiter(text)))
    heads = [_plain(head) for head in lines[0]] if lines else []
    column = next((heads.index(name) for name in map(_plain, names) if name in heads), None)
    if column is None:
        told = {"names": ", ".join(dict.fromkeys(names)), "found": ", ".join(filter(None, heads)) or "–"}
        raise NotAFile(_("The first row must name a column “%(names)s”; it names %(found)s.") % told)
    money = heads.index(AMOUNT) if AMOUNT in heads else None
    found = list(_read(lines[1:], column, money, unit))
    if not found:
        raise NotAFile(_("The file names no subject."))
    return found


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(DELIMITERS, key=head.count)


def _plain(head: str) -> str:
    return head.strip().strip("\ufeff").casefold().replace(" ", "_")


def _read(lines: Sequence[Sequence[str]], column: int, money: int | None, unit: str) -> Iterator[SheetRow]:
    before: dict[str, int] = {}
    for number, cells in enumerate(lines, 2):
        if not any(cell.strip() for cell in cells):
            continue
        row = _row(number, cells, column, money, unit)
        if row.subject in before and not row.why:
            told = _("Row %d names the same.") % before[row.subject]
            row = SheetRow(number=number, subject=row.subject, why=told)
        before.setdefault(row.subject, number)
        yield row


def _row(number: int, cells: Sequence[str], column: int, money: int | None, unit: str) -> SheetRow:
    subject = cells[column].strip() if column < len(cells) else ""
    if not subject:
        return SheetRow(number=number, subject="", why=_("The row names no subject."))
    written = cells[money].strip() if money is not None and money < len(cells) else ""
    try:
        amount = parse(written, unit).value if written else None
    except NotAnAmount as why:
        return SheetRow(number=number, subject=subject, why=str(why))
    return SheetRow(number=number, subject=subject, amount=amount)
