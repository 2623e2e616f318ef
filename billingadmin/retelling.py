"""A sentence that was kept, in the words of whoever reads it.

Readings, runs and previews keep their sentences as the worker told them: in the site's own language, which is the
language of our messages. The message a sentence was made of is looked for in the reader's catalogue, and told again
with the same values. What is no message of ours stands as it is.
"""

import re
import struct
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import get_language

PLACE = re.compile(r"%(?:\((?P<name>\w+)\))?\+?(?P<type>[sd%])")
NUMBER, WORDS = r"[-+]?\d+", r".+?"
AMOUNT = re.compile(r"(?P<figure>[−+]?[\d,.]+) (?P<unit>[a-z]+)", re.IGNORECASE)
END = re.compile(r"(?<=[.?!]) ")


class Message(NamedTuple):
    form: re.Pattern[str]  # what it looks like with its values in it
    types: tuple[str, ...]  # of its values, in their order
    translation: str

    def retell(self, text: str, language: str) -> str | None:
        match = self.form.fullmatch(text)
        if not match:
            return None
        values = [_value(*found, language) for found in zip(match.groups(), self.types, strict=True)]
        named = match.groupdict()
        return self.translation % (dict(zip(named, values, strict=True)) if named else tuple(values))


def retold(text: str) -> str:
    language = get_language() or settings.LANGUAGE_CODE
    return text if language == settings.LANGUAGE_CODE or not text else _retold(str(text), language)


@lru_cache(maxsize=2_000)
def _retold(text: str, language: str) -> str:
    """One message, or several one after the other, as far as we know them."""
    if (told := _one(text, language)) is not None:
        return told
    for end in END.finditer(text):
        if (told := _one(text[: end.start()], language)) is not None:
            return told + _retold(text[end.end() :], language)
    return text


def _one(text: str, language: str) -> str | None:
    fixed, moving = _messages(language)
    if text in fixed:
        return fixed[text]
    return next((told for message in moving if (told := message.retell(text, language)) is not None), None)


def _value(found: str, kind: str, language: str) -> Any:
    """A number, words, an amount with its unit, or a list of words."""
    if kind == "d":
        return int(found)
    if (told := _retold(found, language)) != found:
        return told
    if amount := AMOUNT.fullmatch(found):
        return f"{amount['figure']} {_retold(amount['unit'], language)}"
    return ", ".join(_retold(part, language) for part in found.split(", "))


# The catalogue, by the messages' own words ---------------------------------------------------------------------------


@cache
def _messages(language: str) -> tuple[dict[str, str], list[Message]]:
    """Those without values by their text, and the others, those that say most first."""
    pairs = [pair for folder in settings.LOCALE_PATHS for pair in _pairs(_compiled(Path(folder), language))]
    moving = sorted((pair for pair in pairs if PLACE.search(pair[0])), key=_said, reverse=True)
    return {text: told for text, told in pairs if not PLACE.search(text + told)}, [_message(*pair) for pair in moving]


def _said(pair: tuple[str, str]) -> int:
    return len(PLACE.sub("", pair[0]))


def _message(text: str, translation: str) -> Message:
    form, types, end = "", [], 0
    for place in PLACE.finditer(text):
        form, end = form + re.escape(text[end : place.start()]), place.end()
        if place["type"] == "%":
            form += "%"
            continue
        name, value = place["name"], NUMBER if place["type"] == "d" else WORDS
        if name and f"(?P<{name}>" in form:
            form += f"(?P={name})"
            continue
        types.append(place["type"])
        form += f"(?P<{name}>{value})" if name else f"({value})"
    return Message(re.compile(form + re.escape(text[end:]), re.DOTALL), tuple(types), translation)


def _compiled(folder: Path, language: str) -> bytes:
    path = folder / language / "LC_MESSAGES" / "django.mo"
    return path.read_bytes() if path.exists() else b""


def _pairs(compiled: bytes) -> Iterator[tuple[str, str]]:
    """Each message, its plural too (which gettext's own reader drops), with its translation; those that need a context
    to be understood are left out."""
    if not compiled:
        return
    _magic, _version, count, texts, translations = struct.unpack_from("<5I", compiled)
    for index in range(count):
        text, told = (_entry(compiled, table + 8 * index) for table in (texts, translations))
        if text and "\x04" not in text:
            yield from ((form, told.split("\0")[0]) for form in text.split("\0"))


def _entry(compiled: bytes, at: int) -> str:
    length, start = struct.unpack_from("<2I", compiled, at)
    return compiled[start : start + length].decode()
