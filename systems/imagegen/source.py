from systems.base import Requirement

INDEXES: tuple[Requirement, ...] = ()
