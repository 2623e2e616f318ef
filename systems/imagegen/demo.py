"""A believable source: ninety days of it at once, and a little life each minute after that."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from systems.base import Demo
from systems.imagegen.story.history import tell
from systems.imagegen.story.minutes import go_on
from systems.imagegen.story.tables import copy


def build(cursor: Any, now: datetime, seed: int) -> None:
    for table, rows in tell(seed, now).tables.rows.items():
        copy(cursor, table, rows)


def log_lines(seed: int, now: datetime) -> Iterator[str]:
    """What the edge function and the storage logged in the same story, oldest first, as JSON Lines."""
    for line in sorted(tell(seed, now).tables.log, key=lambda line: line["at"]):
        yield json.dumps(line | {"at": line["at"].isoformat()}, ensure_ascii=False)


def tick(cursor: Any, now: datetime) -> None:
    go_on(cursor, now)


DEMO = Demo(build=build, tick=tick, log_lines=log_lines)
