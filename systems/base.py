"""The contract of a room: what a billing system tells the engines, and all that the engines know of it.

A room is one folder, ``systems/<slug>/``, and its ``system.py`` holds one ``SYSTEM = System(...)``. The engines meet it
by its slug alone; the room imports this module and the leaves (``billingadmin.sql``, ``amounts``, ``http``, ``charts``,
``audience``) and nothing else of ours. What it needs of the engines is handed to it as an argument.

Everything here is data or a plain function. Laws that hold for all of it, each kept by a contract test:

- instants are aware and in UTC; amounts are integers in the smallest unit, with the unit beside them;
- the clock is an argument: ``now``, or ``since`` and ``until`` (half-open);
- a source is asked only through the ``Source`` handed in, which cannot write;
- "cannot tell" is an answer. What a source does not hold is never shown as healthy.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from billingadmin.audience import Capability
from billingadmin.masking import masked

Row = Mapping[str, Any]
Key = Any  # a uuid, an integer or a text, as the source has it
Text = Any  # str, or a lazily translated one


class Verdict(models.TextChoices):
    ANOMALY = "anomaly", _("anomaly")
    EXPECTED = "expected", _("expected")  # breaks the pattern by design
    CANNOT_TELL = "cannot_tell", _("cannot tell")  # the source does not hold the answer


class Severity(models.TextChoices):
    NOTICE = "notice", _("notice")
    MINOR = "minor", _("minor")
    MAJOR = "major", _("major")
    CRITICAL = "critical", _("critical")


class Level(models.TextChoices):
    OK = "ok", _("ok")
    WARNING = "warning", _("warning")
    CRITICAL = "critical", _("critical")
    UNKNOWN = "unknown", _("unknown")


class Source(Protocol):
    """A room's questions, asked of its database within one read-only transaction (systems/reading.py)."""

    now: datetime

    def rows(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """Every row of the statement ``name`` in the room's source.sql; times come back aware and in UTC."""

    def one(self, name: str, **parameters: Any) -> dict[str, Any] | None:
        """The only row, or None. More than one is an error."""


@dataclass(frozen=True)
class Personal:
    """A value about a person (an e-mail, a prompt): masked wherever it is shown until someone unmasks it, audited."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return masked(self.value)

    def __html__(self) -> str:
        title = _("Masked: unmasking is recorded")
        return format_html('<span class="masked" title="{}">{}</span>', title, masked(self.value))


@dataclass(frozen=True)
class Unrecognised:
    """A value outside the vocabulary we know: shown as itself, with a mark."""

    value: str

    def __str__(self) -> str:
        return self.value

    def __html__(self) -> str:
        form = '<span class="badge" data-level="unknown" title="{}">{}</span>'
        return format_html(form, _("Outside the vocabulary we know"), self.value)


# Facts and rules -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Rows with plain columns and named booleans, one row per subject and pair of transactions.

    The rows are those of the statement ``name`` in source.sql, which carries no scope of its own: the machinery
    (systems/facts.py) wraps it and adds ``key = any(...)``, a key range, and the conditions of the rules. Where SQL
    says it badly, ``compute(source, keys)`` returns the same rows and the conditions are evaluated on them; ``keys`` is
    then a list of keys, or one (low, high) range of a sweep.

    ``<name>_touched`` (``since``, ``until``) answers which keys a window touches, by index, one arm per table.
    ``ranges`` cuts all keys into half-open (low, high) pieces for a whole sweep; None at either end is unbounded.

    With ``suspects``, ``<name>_suspects`` (``low``, ``high``) answers the keys of everything in a range that any rule
    could match, and of little else, by joining whole tables once; then the sweep, too, asks the facts by key. That is
    for facts whose wide rows cost too much to be made for all there is. It must miss nothing: the contract tests hold a
    sweep against a window over all time. ``planning`` are PostgreSQL's planner settings for that one statement.
    """

    name: str
    kind: str  # which SubjectKind its subject is
    subject: str  # the column that names the subject
    booleans: Mapping[str, Text]  # every named boolean, with the sentence that is true when it is
    subject_type: str = "uuid"
    key: str = ""  # the column windows and sweeps go by; the subject unless said otherwise
    key_type: str = "uuid"
    ranges: Callable[[Source], Sequence[tuple[Key | None, Key | None]]] | None = None
    suspects: bool = False
    planning: Mapping[str, str] = field(default_factory=dict)
    compute: Callable[[Source, Any], Iterable[Row]] | None = None

    @property
    def by(self) -> str:
        return self.key or self.subject


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is wrong when all the named booleans are as said. The same data detects and explains.

    ``expected`` names a boolean that makes a match expected by design, ``cannot_tell`` one that says that the source
    does not hold the answer. ``observed_at`` is the column with the instant at which the answer was due (the event,
    plus any grace): a window is over it, its start inclusive. ``transactions`` are the columns that, with the subject,
    make the fingerprint. ``amount`` is the column with what is at stake.
    """

    code: str
    title: Text
    why: Text  # one sentence for a person who meets it the first time
    facts: str
    when: Mapping[str, bool]
    severity: Severity
    observed_at: str
    transactions: tuple[str, ...] = ()
    amount: str | None = None
    unit: str | None = None
    expected: str | None = None
    cannot_tell: str | None = None
    source: str = ""  # where the rule is written: a runbook line or a chapter


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One match of one rule. ``facts`` holds the identifying columns under the source's own names, JSON-safe."""

    system: str
    rule: str
    kind: str
    subject: str
    fingerprint: str
    verdict: Verdict
    severity: Severity
    observed_at: datetime
    amount: int | None
    unit: str | None
    facts: dict[str, Any]


# Timeline and subjects -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Link:
    label: Text
    url: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing known about a subject. A ghost is a step that should be there and is not; ``at`` is when it was due."""

    at: datetime | None
    kind: str  # job, ledger, image, allocation, audit, log, adjustment, check …: the lane it is drawn in
    title: Text
    details: Mapping[str, Any] = field(default_factory=dict)  # plain values, Personal, Unrecognised, datetimes
    amount: int | None = None
    unit: str | None = None
    ghost: bool = False
    marks: tuple[Text, ...] = ()  # what a careful reader should not miss about this row
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Match:
    """An answer of the search box: a subject, and one line that tells it from the next."""

    kind: str
    id: str
    label: Text


@dataclass(frozen=True, kw_only=True)
class SubjectKind:
    """A kind of identifier. ``recognise`` gives the canonical id, or None when the text cannot be one."""

    slug: str
    label: Text
    recognise: Callable[[str], str | None]
    find: Callable[[Source, str], Sequence[Match]]
    describe: Callable[[Source, str], Mapping[Text, Any]]  # what its page shows on top; empty when there is no such
    timeline: Callable[[Source, str], Sequence[Event]]


# Corrections ---------------------------------------------------------------------------------------------------------


class CorrectionKind(models.TextChoices):
    POSTING = "posting", _("posting")  # rows in the source's database
    REMOTE_CALL = "remote_call", _("remote call")  # send, then read back; unknown is a state
    PROCEDURE = "procedure", _("procedure")  # a person does it elsewhere, the console keeps the evidence
    SWITCH = "switch", _("switch")  # acts at once with a reason, reviewed by a second person


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry of a request: what is posted about which subject. ``amount`` is signed: into the wallet is positive."""

    subject: str
    amount: int
    unit: str
    particulars: Mapping[str, str]  # job_id, tx_id …: what the runbook wants named


@dataclass(frozen=True, kw_only=True)
class Posting:
    """What ``post`` is told beside the line. ``key`` is the line's own, the one under which it is posted once."""

    key: UUID
    reason: str
    proposer: str
    approvers: tuple[str, ...]
    correlation_id: str
    now: datetime


class Refused(Exception):
    """The source's rules forbid this correction. The text says why, and what to do; the refusal is for good."""


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A way to put something right. The functions get a cursor on the writer's connection, inside its transaction.

    ``draft(source, subject)`` proposes the lines for a subject, or raises Refused. ``evidence(cursor, line, lock)``
    reads the rows the correction rests on and returns the named evidence columns (never balances or updated_at, which
    move by themselves); None when they are gone. With ``lock`` it holds these rows until the transaction ends (``for no
    key update``; SQLite has nothing to add); without, it runs where nothing may be locked or written, for the person
    who proposes. ``effects(cursor, line)`` are the figures the preview shows before and after: label -> (value, unit).
    ``post`` writes and returns the receipt, or raises Refused with nothing written.
    ``ledger_row(cursor, receipt)`` reads again what a receipt names, for the reconciliation: a row whose ``amount`` is
    what the line moved, or None when it is gone.

    A remote call has no ``post``. ``send(line, posting)`` makes the call with ``posting.key`` as its idempotency key,
    outside of any transaction, and gives up within a minute; whatever it answers, or raises, ``read_back(line, key)``
    is asked for what counts: the receipt, None when the other side says that it has nothing, or an exception when it
    cannot be asked. Only Refused means that it was refused for good. ``keys_kept`` is how long the other side remembers
    a key: within it, what is not there is sent again; without it, never. Evidence is read by the reader, unlocked.

    A procedure has neither: ``instructions`` tell a person what to do elsewhere, ``proof`` what to write down of it.
    ``customer`` names the particular or the evidence column that says whose money it is, as the source's own id; empty
    where the source knows nobody by it.
    ``reversal`` names the correction that takes this one back, and ``reverse(line, receipt)`` gives its line from what
    was posted: the same subject, the opposite amount. It asks nothing of the source.
    """

    code: str
    title: Text
    what: Text  # one sentence: what is written, where
    kind: CorrectionKind
    answers: tuple[str, ...]  # the rules whose anomalies it settles
    subject_kind: str
    unit: str
    particulars: tuple[str, ...]  # every line must name these
    draft: Callable[[Source, str], Sequence[Line]]
    evidence: Callable[[Any, Line, bool], Row | None]
    effects: Callable[[Any, Line], Mapping[Text, tuple[int, str]]]
    post: Callable[[Any, Line, Posting], dict[str, Any]] | None = None
    customer: str
    reversal: str | None = None
    ledger_row: Callable[[Any, Mapping[str, Any]], Row | None] | None = None
    send: Callable[[Line, Posting], Any] | None = None
    read_back: Callable[[Line, UUID], dict[str, Any] | None] | None = None
    keys_kept: timedelta | None = None
    instructions: tuple[Text, ...] = ()
    proof: Text = ""
    reverse: Callable[[Line, Row], Line] | None = None


# Switches ------------------------------------------------------------------------------------------------------------


class CannotTell(Exception):
    """A switch cannot be read or written as it is: not configured, not there, not understood. The text says why."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A program that is run with a deadline: a list of arguments, made of the value, and never a shell.

    It did what it should when it exits with 0 and, where ``took`` is given, its output (both streams, capped) says so.
    At the deadline it is killed with all that it started in its process group; what it did by then is unknown. It sees
    PATH, HOME, LANG and the environment variables it names, and no others: the worker's hold secrets.
    """

    argv: Callable[[str], Sequence[str]]
    deadline: timedelta = timedelta(seconds=30)
    took: Callable[[str], bool] | None = None
    environment: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConsoleValue:
    """The console keeps the value itself, and whoever obeys it asks the console."""

    default: str


@dataclass(frozen=True, kw_only=True)
class FileValue:
    """A value in a file of the outside system. ``path()`` raises CannotTell where none is configured.

    ``read(text)`` finds the value in the file's text, or raises CannotTell; ``write(text, value)`` gives the whole new
    text. The file is replaced at one stroke and keeps its mode. ``then`` makes the system obey (a restart); when it
    does not take, the old text is written back and ``then`` is run once more.
    """

    path: Callable[[], str]
    read: Callable[[str], str] = str.strip
    write: Callable[[str, str], str] = lambda text, value: f"{value}\n"
    then: Run | None = None


@dataclass(frozen=True, kw_only=True)
class CommandValue:
    """A value that a program sets and a program tells. ``tell`` must answer also while the system is down."""

    act: Run
    tell: Run
    read: Callable[[str], str] = str.strip  # the value in what ``tell`` said, or CannotTell


@dataclass(frozen=True, kw_only=True)
class Option:
    value: str
    label: Text


@dataclass(frozen=True, kw_only=True)
class Switch:
    """A setting of the outside system that one person flips at once, with a reason, and another reviews within a day.

    It takes one of ``options``, or whatever ``accepts(text)`` gives a canonical value for. ``effective`` names what is
    read back once a value holds, where that is another word (“restart” reads “running”). With an “until” it flips back
    by itself; where ``returns`` is False only people do, and it turns critical when they are late.
    """

    code: str
    title: Text
    what: Text  # one sentence: what it does out there
    backend: ConsoleValue | FileValue | CommandValue
    options: tuple[Option, ...] = ()
    accepts: Callable[[str], str | None] | None = None
    effective: Mapping[str, str] = field(default_factory=dict)
    returns: bool = True
    source: str = ""  # the runbook line it answers

    def taken(self, text: str) -> str | None:
        """The value that is meant, or None when it is none."""
        if any(option.value == text for option in self.options):
            return text
        return self.accepts(text) if self.accepts else None

    def label(self, value: str | None) -> Text:
        return next((option.label for option in self.options if option.value == value), value or "")

    def holds(self, value: str, read: str | None) -> bool:
        """Whether what is read back says that the value holds."""
        return read is not None and read == self.effective.get(value, value)


# Probes, runbook, pages, jobs, demo ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a probe saw. ``why`` is a sentence with its figure; ``value`` is None when the level is unknown.

    ``detail`` may hold ``labels`` (a distribution: label -> count), ``limits`` and ``rows`` (the offenders, capped).
    """

    level: Level
    why: Text
    value: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Probe:
    code: str
    title: Text
    unit: str  # jobs, rows, seconds, credits …
    measure: Callable[[Source], Measurement]
    source: str = ""  # the runbook line it answers


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a routine in the console's words, with the screen that does it or the reading that answers it."""

    code: str
    text: Text
    page: str | None = None  # a path below /systems/<slug>/, or an absolute path of the console
    probe: str | None = None


@dataclass(frozen=True, kw_only=True)
class Routine:
    code: str
    title: Text
    rhythm: str  # daily, monthly, pre-deploy, post-deploy, first-response
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class Runbook:
    routines: tuple[Routine, ...] = ()
    triage: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)  # by rule code


@dataclass(frozen=True, kw_only=True)
class Page:
    """A screen of the room's own. ``view(request, desk)`` gets what it needs of the engines as ``desk``."""

    path: str
    name: str
    title: Text
    view: Callable[..., Any]
    audience: tuple[Capability, ...] = ("read",)


@dataclass(frozen=True, kw_only=True)
class RoomJob:
    """A job of the room's own, run by the jobs registry. ``cron`` is in UTC."""

    name: str
    cron: str
    what: Text
    run: Callable[[datetime], str]
    catch_up: str = "latest"  # latest, each, none


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A believable source. ``build`` fills empty tables up to ``now``, the same for the same seed; ``tick`` adds the
    life of the time since the last tick. Both get a cursor of the writer. ``log_lines(seed, now)`` is what was logged
    in the same story, as JSON Lines for the timelines."""

    build: Callable[[Any, datetime, int], None]
    tick: Callable[[Any, datetime], None]
    log_lines: Callable[[int, datetime], Iterable[str]] | None = None


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """An index the console recommends, with the statement that makes it and what its absence costs."""

    name: str
    statement: str
    cost: Text


@dataclass(frozen=True, kw_only=True)
class System:
    """The name on the door, and what the room offers. Nothing to offer is an empty tuple."""

    slug: str
    label: Text
    unit: str
    zone: ZoneInfo  # of its business day
    engine: str  # postgresql or sqlite
    facts: tuple[Facts, ...]
    rules: tuple[Rule, ...]
    subjects: tuple[SubjectKind, ...]
    corrections: tuple[Correction, ...]
    probes: tuple[Probe, ...]
    runbook: Runbook
    pages: tuple[Page, ...]
    jobs: tuple[RoomJob, ...]
    indexes: tuple[Requirement, ...]
    demo: Demo | None
    switches: tuple[Switch, ...] = ()
    overlap: timedelta = timedelta(hours=2)  # how far a window reaches back over the last one
    audit_action: str = ""  # action_type of a detection entry; "<slug>_billing_anomaly_detected" unless said

    def rule(self, code: str) -> Rule:
        return _only(rule for rule in self.rules if rule.code == code)

    def facts_of(self, rule: Rule) -> Facts:
        return _only(facts for facts in self.facts if facts.name == rule.facts)

    def correction(self, code: str) -> Correction:
        return _only(correction for correction in self.corrections if correction.code == code)

    def probe(self, code: str) -> Probe:
        return _only(probe for probe in self.probes if probe.code == code)

    def switch(self, code: str) -> Switch:
        return _only(switch for switch in self.switches if switch.code == code)

    def subject_kind(self, slug: str) -> SubjectKind:
        return _only(kind for kind in self.subjects if kind.slug == slug)


class NotOffered(LookupError):
    """The room has nothing of that name."""


def _only(offered: Iterator[Any]) -> Any:
    try:
        return next(offered)
    except StopIteration:
        raise NotOffered from None


def uuid_ranges(parts: int) -> list[tuple[UUID | None, UUID | None]]:
    """All uuids in ``parts`` half-open ranges of equal width: a sweep with bounded memory and honest progress."""
    cuts = [UUID(int=(2**128 * part) // parts) for part in range(1, parts)]
    return list(zip([None, *cuts], [*cuts, None], strict=True))
