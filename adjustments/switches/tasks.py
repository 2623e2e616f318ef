"""What the worker does for switches. It alone touches files and programs of outside systems."""

from django.utils import timezone

from adjustments.switches import flipping, looking
from jobs.queue import app


@app.task(name="adjustments.switch", queue="apply")
def switch(flip: int) -> str:
    return flipping.perform(flip, timezone.now(), timezone.now)


@app.task(name="adjustments.look_at_switches", queue="apply")
def look_at_switches() -> str:
    return looking.look(timezone.now())
