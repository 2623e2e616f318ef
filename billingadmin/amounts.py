"""Amounts: an integer in the smallest unit, and the unit. Never a float, never a number without what it counts.

A unit is an ISO 4217 code ("JPY", "USD": the value is in minor units) or a word of the trade ("credits", "Stars",
"commands", and what probes count: "jobs", "rows"). One sign convention: into the wallet is positive.
"""

import re
import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MINUS = "\u2212"  # as wide as a plus, and never a line break
CAP = 1000

# Digits after the point, by ISO 4217. A code that is not here has two.
EXPONENTS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
CURRENCY = re.compile(r"[A-Z]{3}")
PLAIN = re.compile(r"(?P<sign>[-+]?)(?P<whole>\d+|\d{1,3}(?:,\d{3})+)(?:\.(?P<part>\d+))?")
LONGEST = 18  # digits: what a bigint holds with room to spare


class NotAnAmount(ValueError):
    """The text is not an amount of that unit. The message says why, to the person who typed it."""


@dataclass(frozen=True)
class Amount:
    value: int
    unit: str

    def __post_init__(self) -> None:
        if type(self.value) is not int:
            raise TypeError(f"an amount is an int in the smallest unit, not {self.value!r}")

    def __str__(self) -> str:
        return f"{self.figure()} {self.unit_label()}"

    def __neg__(self) -> "Amount":
        return Amount(-self.value, self.unit)

    def __add__(self, other: "Amount") -> "Amount":
        if not isinstance(other, Amount):
            return NotImplemented
        if other.unit != self.unit:
            raise ValueError(f"{self.unit} and {other.unit} do not add up")
        return Amount(self.value + other.value, self.unit)

    def figure(self, *, signed: bool = False) -> str:
        """The number as people read it: 1,234.50, with a true minus; signed puts a plus before what is positive."""
        whole, part = divmod(abs(self.value), 10 ** exponent(self.unit))
        decimals = f".{part:0{exponent(self.unit)}d}" if exponent(self.unit) else ""
        return f"{sign_of(self.value, signed)}{whole:,}{decimals}"

    def plain(self) -> str:
        """The number as programs read it, for CSV and form fields: -1234.50."""
        return self.figure().replace(",", "").replace(MINUS, "-")

    def unit_label(self) -> str:
        return unit_label(self.unit, self.value)


def sign_of(value: int, signed: bool) -> str:
    if value < 0:
        return MINUS
    return "+" if signed and value > 0 else ""


def exponent(unit: str) -> int:
    return EXPONENTS.get(unit, 2) if CURRENCY.fullmatch(unit) else 0


def unit_label(unit: str, value: int) -> str:
    """The unit in the reader's words. Currency codes, and words we do not know, stand for themselves."""
    count = abs(value)
    words = {
        "credits": ngettext("credit", "credits", count),
        "commands": ngettext("command", "commands", count),
        "Stars": ngettext("Star", "Stars", count),
        "jobs": ngettext("job", "jobs", count),
        "refunds": ngettext("refund", "refunds", count),
        "users": ngettext("user", "users", count),
        "groups": ngettext("group", "groups", count),
        "anomalies": ngettext("anomaly", "anomalies", count),
        "requests": ngettext("request", "requests", count),
        "switches": ngettext("switch", "switches", count),
        "rows": ngettext("row", "rows", count),
        "seconds": ngettext("second", "seconds", count),
        "percent": "%",
    }
    return words.get(unit, unit)


def parse(text: str, unit: str) -> Amount:
    """The amount a person typed. Full-width digits, thousands commas and any kind of minus are understood."""
    cleaned = unicodedata.normalize("NFKC", text).strip().replace(MINUS, "-").removesuffix(unit).strip()
    match = PLAIN.fullmatch(cleaned)
    if not match:
        raise NotAnAmount(_("“%(text)s” is not a number such as 1234 or 1,234.") % {"text": text.strip()[:40]})
    whole, part = match["whole"].replace(",", ""), match["part"] or ""
    refuse_too_fine(part, unit)
    digits = whole + part.ljust(exponent(unit), "0")
    if len(digits.lstrip("0")) > LONGEST:
        raise NotAnAmount(_("This number has too many digits."))
    return Amount(int(digits) * (-1 if match["sign"] == "-" else 1), unit)


def refuse_too_fine(part: str, unit: str) -> None:
    places = exponent(unit)
    if part and not places:
        raise NotAnAmount(_("%(unit)s are whole: no digits after the point.") % {"unit": unit_label(unit, 2)})
    if len(part) > places:
        raise NotAnAmount(_("%(unit)s has %(places)d digits after the point.") % {"unit": unit, "places": places})


def capped(count: int, cap: int = CAP) -> str:
    """A count as shown: exact up to the cap, "1,000+" beyond. Ask for no more than that: queryset[:CAP + 1].count()."""
    return f"{cap:,}+" if count > cap else f"{count:,}"
