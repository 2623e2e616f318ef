from systems.base import Probe, RoomJob

PROBES: tuple[Probe, ...] = ()
JOBS: tuple[RoomJob, ...] = ()
