from systems.base import Correction

CORRECTIONS: tuple[Correction, ...] = ()
