"""A catalogue of translations as it stands in its .po file."""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

JAPANESE = Path(settings.BASE_DIR) / "locale/ja/LC_MESSAGES/django.po"
WORD = re.compile(r'(?P<name>msgctxt|msgid|msgid_plural|msgstr(\[\d\])?) (?P<text>".*")')


@dataclass
class Message:
    words: dict[str, str] = field(default_factory=dict)  # msgid, msgstr and so on
    flags: str = ""

    @property
    def key(self):
        context = f"{self.words['msgctxt']}\x04" if "msgctxt" in self.words else ""
        return context + self.words["msgid"]

    @property
    def compiled_key(self):
        return (self.key, 0) if "msgid_plural" in self.words else self.key

    @property
    def text(self):
        return self.words["msgid"]

    @property
    def translation(self):
        return self.words.get("msgstr", self.words.get("msgstr[0]"))

    def __str__(self):
        return self.key


def read(path=JAPANESE):
    """Its messages, without the header."""
    messages = [_message(block) for block in path.read_text(encoding="utf-8").split("\n\n")]
    return [message for message in messages if message.words.get("msgid")]


def _message(block):
    message, name = Message(), ""
    for line in block.splitlines():
        if line.startswith("#,"):
            message.flags = line
        elif match := WORD.fullmatch(line):
            name = match["name"]
            message.words[name] = ast.literal_eval(match["text"])
        elif line.startswith('"'):
            message.words[name] += ast.literal_eval(line)
    return message
