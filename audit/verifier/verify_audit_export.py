#!/usr/bin/env python3
"""Verifies an export of the audit log. Needs Python 3.11 and nothing else: no console, no database, no trust in either.

    python3 verify_audit_export.py audit-log.zip [--anchors FILE ...] [--limit MINUTES] [--json]

An export is the zip as it was downloaded, or the ``entries.jsonl`` in it. Each entry is hashed again, and held against
the one before it, against its own columns and against every anchor: a head of the chain that was noted outside the
database, in the console's anchor file or in the mail of a decision. Exit 0: intact; 1: broken, and where; 3: unknown.
"""

import argparse
import email
import email.policy
import hashlib
import io
import json
import mailbox
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

BEFORE_THE_FIRST = "0" * 64
TAG = "billingadmin audit 1"
LIMIT = timedelta(minutes=30)  # how old an entry may be that no anchor holds yet
LEAST = datetime(1, 1, 1, tzinfo=UTC)


class Verdict(StrEnum):
    INTACT = "intact"
    BROKEN = "broken"
    CANNOT_TELL = "cannot_tell"


class Fault(StrEnum):
    STRAY = "stray"  # a row where none can be: a position below one, twice, or none at all
    MISSING = "missing"  # the position is not there: an entry was removed, or the order changed
    LINK = "link"  # it does not follow from the entry before it
    CONTENT = "content"  # its text is not what was sealed by the hash
    COLUMNS = "columns"  # its columns say something else than its text
    REWRITTEN = "rewritten"  # consistent in itself, but not the log that was anchored
    CUT = "cut"  # the log ends before an anchor
    UNMATCHED = "unmatched"  # what the log says and what the console holds differ


EXIT = {Verdict.INTACT: 0, Verdict.BROKEN: 1, Verdict.CANNOT_TELL: 3}
SENTENCES = {
    Fault.STRAY: "A row stands where none can be: its position is taken, below one, or none.",
    Fault.MISSING: "No entry has this position: it was removed, or entries changed places.",
    Fault.LINK: "This entry does not follow from the one before it.",
    Fault.CONTENT: "The text of this entry is not the one that was sealed.",
    Fault.COLUMNS: "The columns of this entry say something else than its sealed text.",
    Fault.REWRITTEN: "The log was written anew from here on, or from an entry soon after: the anchor differs.",
    Fault.CUT: "The log ends here, and an anchor saw more entries: its end was cut off, or an old copy restored.",
    Fault.UNMATCHED: "What the log says and what the console holds are not the same.",
}


# One entry -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    position: int | None
    columns: dict[str, Any]  # what the columns of the table say, the moment in its fixed form
    canonical: str
    previous_hash: str
    hash: str


def seal(position: int, previous_hash: str, canonical: str) -> str:
    """The hash: tag and version, position, previous hash, length and text, so that no part can be taken for another."""
    text = canonical.encode("utf-8", "surrogatepass")
    return hashlib.sha256(f"{TAG}\n{position}\n{previous_hash}\n{len(text)}\n".encode() + text).hexdigest()


told = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode  # the one form of JSON


def says_the_same(columns: dict[str, Any], canonical: str) -> bool:
    """Whether the text is what the columns say. Of the metadata the meaning counts, not how its keys are arranged."""
    whole = told(columns)
    if whole == canonical:
        return True
    start = whole.index(',"metadata":') + 12
    end = len(whole) - len(told(columns["metadata"])) - start
    before, after = whole[:start], whole[len(whole) - end :]
    if not (canonical.startswith(before) and canonical.endswith(after)):
        return False
    return _meaning(canonical[start : len(canonical) - end]) == _meaning(told(columns["metadata"]))


def _meaning(text: str) -> str | None:
    """JSON in one form, told apart as PostgreSQL does: 1 is not 1.0 and not true, but 1e3 is 1000."""
    try:
        return told(json.loads(text, parse_float=_plain_number))
    except ValueError:
        return None


def _plain_number(text: str) -> Any:
    number = format(Decimal(text), "f")
    return int(number) if re.fullmatch(r"-?\d+", number) else {"number": number}


def fault_of(row: Row, position: int, previous_hash: str) -> Fault | None:
    """What is wrong with this entry, standing where ``position`` and ``previous_hash`` are due."""
    if row.position != position:
        return Fault.STRAY if row.position is None or row.position < position else Fault.MISSING
    if row.previous_hash != previous_hash:
        return Fault.LINK
    if row.hash != seal(row.position, row.previous_hash, row.canonical):
        return Fault.CONTENT
    return None if says_the_same(row.columns, row.canonical) else Fault.COLUMNS


# All of them ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Anchor:
    """A head of the chain, noted outside of the database. At position 0 the log was seen empty."""

    position: int
    hash: str
    at: datetime


@dataclass
class Walked:
    """What a walk found: how far the log is whole, the hashes where anchors are, and the first fault behind that."""

    entries: int = 0
    position: int = 0
    hash: str = BEFORE_THE_FIRST
    fault: Fault | None = None
    hashes: dict[int, str] = field(default_factory=dict)
    tail_since: datetime | None = None  # the moment of the first entry that no anchor holds


def walk(
    rows: Iterable[Row], anchors: Sequence[Anchor] = (), *, after: int = 0, head: str = BEFORE_THE_FIRST
) -> Walked:
    """Through the entries in order of position, one at a time; those up to ``after`` are trusted."""
    walked, asked = Walked(0, after, head, hashes={0: BEFORE_THE_FIRST, after: head}), {one.position for one in anchors}
    anchored = max(asked, default=0)
    for row in rows:
        if fault := fault_of(row, walked.position + 1, walked.hash):
            walked.fault = fault
            return walked
        walked.entries, walked.position, walked.hash = walked.entries + 1, row.position, row.hash
        if row.position in asked:
            walked.hashes[row.position] = row.hash
        if row.position == anchored + 1:
            walked.tail_since = moment(row.columns["at"])
    return walked


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# The verdict ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """The verdict; ``position`` is the first bad one when broken (it is no later than ``until``), else the head.

    ``entries`` and ``hash`` are those of what is whole; ``anchored`` is the last anchor that holds, ``tail`` the number
    of entries behind it. Without an anchor a log that its owner wrote anew, or whose end is cut off, seems intact.
    """

    verdict: Verdict
    entries: int = 0
    position: int = 0
    hash: str = ""
    fault: Fault | None = None
    why: str = ""
    until: int = 0
    anchored: int | None = None
    anchored_at: datetime | None = None
    tail: int = 0
    tail_since: datetime | None = None
    anchors: int = 0

    def as_dict(self) -> dict[str, Any]:
        facts = {name: getattr(self, name) or None for name in ("position", "hash", "why", "until")}
        return {
            "verdict": self.verdict.value,
            "entries": self.entries,
            "fault": self.fault.value if self.fault else None,
            **facts,
            "anchors": self.anchors,
            "anchored": self.anchored,
            "anchored_at": self.anchored_at and self.anchored_at.isoformat(),
            "tail": self.tail,
            "tail_since": self.tail_since and self.tail_since.isoformat(),
        }

    def sentence(self) -> str:
        if self.verdict == Verdict.CANNOT_TELL:
            return f"Cannot tell. {self.why}"
        if self.verdict == Verdict.BROKEN:
            return f"Broken at position {self.position} ({self.fault}): {self.why} {self._before()}."
        return f"Intact: {self.entries:,} entries, head {self.position} {self.hash}. {self._held()}"

    def _before(self) -> str:
        where = (
            f"; last good anchor at {self.anchored}, {self.anchored_at:%Y-%m-%d %H:%M:%S} UTC" if self.anchored else ""
        )
        return f"{self.entries:,} entries before it are intact{where}"

    def _held(self) -> str:
        if self.anchored is None:
            return "No anchor was given: a log written anew, or cut off at its end, would seem intact too."
        return (
            f"Anchored up to {self.anchored} at {self.anchored_at:%Y-%m-%d %H:%M:%S} UTC; {self.tail:,} entries since."
        )


def judge(
    walked: Walked, anchors: Sequence[Anchor], *, now: datetime, limit: timedelta = LIMIT, damage: str = ""
) -> Finding:
    """One verdict of what a walk found and of every anchor. ``damage`` is why some anchors could not be read."""
    good, bad = compared(walked, anchors)
    held = {"anchors": len(anchors), "anchored": good and good.position, "anchored_at": good and good.at}
    start = good.position + 1 if good else 1
    if bad and bad.position <= walked.position:
        return _broken(walked, Fault.REWRITTEN, start, bad.position, walked.hashes.get(start - 1, ""), held)
    if walked.fault:
        first = max(1, walked.position + (walked.fault != Fault.STRAY))
        return _broken(walked, walked.fault, first, first, walked.hash, held)
    if bad:
        return _broken(walked, Fault.CUT, walked.position + 1, bad.position, walked.hash, held)
    if good:
        held |= {"tail": walked.position - good.position, "tail_since": walked.tail_since}
    if why := damage or _untold(walked, held, now, limit):
        return Finding(Verdict.CANNOT_TELL, walked.entries, walked.position, walked.hash, why=why, **held)
    return Finding(Verdict.INTACT, walked.entries, walked.position, walked.hash, **held)


def compared(walked: Walked, anchors: Sequence[Anchor]) -> tuple[Anchor | None, Anchor | None]:
    """The last anchor that holds, and the first that does not."""
    good = None
    for anchor in sorted(anchors, key=lambda one: (one.position, one.at)):
        if walked.fault and anchor.position > walked.position:
            return good, None  # behind the first fault nothing is compared
        if walked.hashes.get(anchor.position) != anchor.hash:
            return good, anchor
        good = anchor
    return good, None


def _broken(walked: Walked, fault: Fault, start: int, until: int, head: str, held: dict[str, Any]) -> Finding:
    entries = min(walked.entries, max(0, walked.entries - (walked.position - start + 1)))  # whole ones before it
    return Finding(Verdict.BROKEN, entries, start, head, fault, SENTENCES[fault], until, **held)


def _untold(walked: Walked, held: dict[str, Any], now: datetime, limit: timedelta) -> str:
    if not walked.entries and not walked.position:
        return "The log is empty: nothing happened yet, or everything was removed."
    if held.get("tail") and walked.tail_since and now - walked.tail_since > limit:
        minutes = int((now - walked.tail_since).total_seconds() // 60)
        return f"No anchor holds the newest {held['tail']:,} entries, the oldest of them {minutes:,} minutes old."
    return ""


# Anchors -------------------------------------------------------------------------------------------------------------

FOOTER = re.compile(
    r"^[> \t]*billingadmin-audit-anchor 1\s+[> \t]*position (\d+)\s+[> \t]*sha256 ([0-9a-f]{64})\s+[> \t]*count (\d+)"
    r"\s+[> \t]*at (\S+)$",
    re.MULTILINE,
)


class AnchorsUnreadable(Exception):
    """A source of anchors that is missing or damaged: what it held cannot be told."""


def read_anchors(path: Path) -> list[Anchor]:
    """Every anchor of an anchor file, a saved mail, a mailbox, or any text that quotes one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AnchorsUnreadable(f"The anchors in {path} cannot be read: {error.strerror}.") from None
    try:
        found = from_lines(content) if content.lstrip()[:1] == b"{" else from_mail(path, content)
    except ValueError as error:
        raise AnchorsUnreadable(f"The anchors in {path} are damaged: {error}.") from None
    if not found:
        raise AnchorsUnreadable(f"There is no anchor in {path}.")
    return found


def from_lines(content: bytes) -> list[Anchor]:
    """The anchor file: each line holds the digest of the one before it. A line that broke off is passed over."""
    found, previous = [], ""
    for line in content.splitlines():
        if (told := _line(line)) is None:
            continue
        if told["previous"] != previous:
            raise ValueError(f"the line of position {told['position']} does not follow the one before it")
        found.append(_anchor(told["position"], told["hash"], told["count"], told["at"]))
        previous = hashlib.sha256(line).hexdigest()
    return found


def _line(line: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) and told.keys() >= {"position", "hash", "count", "at", "previous"} else None


def _anchor(position: int, head: str, count: int, at: str) -> Anchor:
    if position != count:
        raise ValueError(f"an anchor counts {count} entries up to position {position}")
    return Anchor(position, head, moment(at))


def from_mail(path: Path, content: bytes) -> list[Anchor]:
    texts = [content.decode("utf-8", "replace")]
    if content.startswith(b"From "):
        with closing(mailbox.mbox(path, create=False)) as letters:
            texts += [text for letter in letters for text in _texts(letter.as_bytes())]
    else:
        texts += _texts(content)
    found = [FOOTER.findall(text.replace("\r\n", "\n")) for text in texts]
    return list(dict.fromkeys(_anchor(int(p), head, int(n), at) for some in found for p, head, n, at in some))


def _texts(message: bytes) -> Iterator[str]:
    for part in email.message_from_bytes(message, policy=email.policy.default).walk():
        if part.get_content_maintype() == "text":
            yield (part.get_payload(decode=True) or b"").decode("utf-8", "replace")


# The export ----------------------------------------------------------------------------------------------------------


@contextmanager
def opened(path: Path) -> Iterator[tuple[Iterator[Row], dict[str, Any]]]:
    """The entries of an export, read as they are wanted, and its manifest (empty for entries alone)."""
    if not zipfile.is_zipfile(path):
        with path.open(encoding="utf-8") as lines:
            yield (Row(**json.loads(line)) for line in lines), {}
        return
    with zipfile.ZipFile(path) as archive, archive.open("entries.jsonl") as lines:
        manifest = json.loads(archive.read("manifest.json"))
        yield (Row(**json.loads(line)) for line in io.TextIOWrapper(lines, "utf-8")), manifest


def verify_export(path: Path, given: Sequence[Path], limit: timedelta = LIMIT) -> Finding:
    """The anchors are those of the files given: one that lies in the export is no witness for it."""
    anchors, damage = gathered(given)
    with opened(path) as (rows, manifest):
        walked = walk(rows, anchors)
    if manifest and not walked.fault and (walked.position, walked.hash) != (manifest["last"], manifest["head"]):
        damage = damage or f"The manifest names another head ({manifest['last']}): the export is not whole."
    now = moment(manifest["exported_at"]) if manifest else datetime.now(UTC)
    return judge(walked, anchors, now=now, limit=limit, damage=damage)


def gathered(paths: Sequence[Path]) -> tuple[list[Anchor], str]:
    """All anchors of these files, and why some could not be read."""
    anchors, damage = [], []
    for path in paths:
        try:
            anchors += read_anchors(path)
        except AnchorsUnreadable as error:
            damage.append(str(error))
    return anchors, " ".join(damage)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path)
    parser.add_argument("--anchors", type=Path, nargs="+", action="extend", default=[], metavar="FILE")
    parser.add_argument("--limit", type=int, default=30, metavar="MINUTES", help="how old an unanchored entry may be")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        finding = verify_export(asked.export, asked.anchors, timedelta(minutes=asked.limit))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        finding = Finding(Verdict.CANNOT_TELL, why=f"{asked.export} cannot be read: {error}.")
    print(json.dumps(finding.as_dict()) if asked.json else finding.sentence())
    return EXIT[finding.verdict]


if __name__ == "__main__":
    sys.exit(main())
