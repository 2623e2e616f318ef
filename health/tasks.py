from django.utils import timezone

from health import probing
from jobs.queue import app
from systems import registry


@app.task(name="health.probe", queue="housekeeping")
def probe(slug: str) -> int:
    """The probes of one system, now. How many readings it took."""
    return len(probing.probe(registry.get(slug), timezone.now()))
