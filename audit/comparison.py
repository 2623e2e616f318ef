"""What an entry says was before and after, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    name: str
    before: Any
    after: Any

    @property
    def differs(self) -> bool:
        return self.before != self.after


def changed(metadata: Mapping[str, Any]) -> list[Line]:
    """A line for each name of which either side says something; none when the entry compares nothing."""
    before, after = (side(metadata.get(name)) for name in ("before", "after"))
    lines = [Line(name, told(before.get(name)), told(after.get(name))) for name in sorted({*before, *after})]
    return [line for line in lines if (line.before, line.after) != (None, None)]


def told(value: Any) -> Any:
    """An empty list is as little as nothing, and shown so."""
    return None if value in ([], {}) else value


def side(found: Any) -> Mapping[str, Any]:
    """One side as names and values; a bare value has no name but its own."""
    if isinstance(found, Mapping):
        return found
    return {} if found is None else {"": found}


def rest(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What else the entry holds."""
    return {name: value for name, value in metadata.items() if name not in ("before", "after")}
