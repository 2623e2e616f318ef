"""What a typed identifier can be, in the words of a room."""

from collections.abc import Sequence
from dataclasses import dataclass

from systems.base import SubjectKind, System
from systems.reading import Questions


@dataclass(frozen=True)
class Subject:
    """An identifier in its canonical form, as one kind of thing the room knows."""

    kind: SubjectKind
    id: str


def readings_of(system: System, text: str) -> list[Subject]:
    """Everything the text can be. A uuid can be a job, a transaction or a user: only the source can tell."""
    recognised = ((kind, kind.recognise(text)) for kind in system.subjects)
    return [Subject(kind, found) for kind, found in recognised if found]


def found_in(source: Questions, candidates: Sequence[Subject]) -> list[Subject]:
    """Those that the source knows."""
    return [subject for subject in candidates if subject.kind.find(source, subject.id)]
