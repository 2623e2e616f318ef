from systems.base import Demo

DEMO: Demo | None = None
