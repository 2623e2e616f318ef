"""One switch of each backend. Where the shop's file and its programs are, the environment says."""

import os
from datetime import timedelta

from systems.base import CannotTell, CommandValue, ConsoleValue, FileValue, Option, Run, Switch

ON_OFF = (Option(value="on", label="On"), Option(value="off", label="Off"))


def configured(name: str) -> str:
    if not os.environ.get(name):
        raise CannotTell(f"Set {name}.")
    return os.environ[name]


def price(text: str) -> str:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name == "PRICE":
            return value
    raise CannotTell("The file has no line PRICE=.")


def with_price(text: str, value: str) -> str:
    price(text)
    lines = [f"PRICE={value}\n" if line.startswith("PRICE=") else line for line in text.splitlines(keepends=True)]
    return "".join(lines)


def whole_yen(text: str) -> str | None:
    return str(int(text)) if text.isascii() and text.isdigit() and 0 < int(text) <= 1000 else None


SWITCHES = (
    Switch(
        code="sale",
        title="Sale",
        what="Sells at half the price; the till asks the console for it.",
        backend=ConsoleValue(default="off"),
        options=ON_OFF,
    ),
    Switch(
        code="price",
        title="Price of a box",
        what="What a box costs, in the shop's own file.",
        backend=FileValue(path=lambda: configured("PAPERCLIPS_FILE"), read=price, write=with_price),
        accepts=whole_yen,
    ),
    Switch(
        code="shutter",
        title="Shutter",
        what="Opens and closes the shop.",
        backend=CommandValue(
            act=Run(argv=lambda value: [configured("PAPERCLIPS_SHUTTER"), "set", value], deadline=timedelta(seconds=2)),
            tell=Run(argv=lambda value: [configured("PAPERCLIPS_SHUTTER"), "tell"], deadline=timedelta(seconds=2)),
        ),
        options=(Option(value="open", label="Open"), Option(value="closed", label="Closed")),
        returns=False,
    ),
)
