"""What people write to be read by others: a reason, a note. What is read must be what is kept, and signed.

Characters that cannot be seen, and those that turn the direction of a line round, make a text read differently from
what it is. They are refused and not taken out: whoever pasted them should see what was pasted.
"""

import unicodedata

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

FEW = 2  # letters or digits: 重複 is a reason
BREAKS = frozenset("\t\n\r")
UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})  # controls, format characters, private use, other line ends
# Blank, though their category says letter, mark or symbol: grapheme joiner, Hangul and Khmer fillers, empty braille.
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


class Unreadable(ValidationError):
    """Nobody could read it, or not as it is. The message says why, to the person who wrote it."""


def readable(text: str) -> str:
    """The text without the white space round it. Raises Unreadable where reading it would not tell what it is."""
    stripped = text.strip()
    for place, character in enumerate(stripped):
        if _is_unseen(character):
            raise Unreadable(_unseen(character, stripped[:place]))
    if sum(map(_is_telling, stripped)) < FEW:
        raise Unreadable(_("Write a few words that others can read."))
    return stripped


def _is_unseen(character: str) -> bool:
    return character in BLANK or (unicodedata.category(character) in UNSEEN and character not in BREAKS)


def _is_telling(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN"


def _unseen(character: str, before: str) -> str:
    code = f"U+{ord(character):04X}"
    if not before:
        return _("It begins with a character that cannot be seen (%(code)s). Delete it.") % {"code": code}
    told = {"code": code, "before": before[-12:]}
    return _("It holds a character that cannot be seen (%(code)s), after “%(before)s”. Delete it.") % told


class ReasonField(forms.CharField):
    """A reason or a note that others read. An optional one may be empty, and is readable if it is not."""

    default_validators = [readable]
