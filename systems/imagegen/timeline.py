from systems.base import SubjectKind

SUBJECTS: tuple[SubjectKind, ...] = ()
