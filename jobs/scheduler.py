"""Which scheduler is at work: workers by their heartbeat, cron by the runs that it fired."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from procrastinate.contrib.django.models import ProcrastinateWorker

from jobs.models import JobRun

HEARTBEAT_LIMIT = timedelta(seconds=45)  # a worker says every ten seconds that it lives
CRON_LIMIT = timedelta(minutes=15)  # cron fires something at least every five minutes


@dataclass(frozen=True)
class Scheduler:
    """What is seen of the schedulers. Both may be at work: a slot still runs once."""

    worker_count: int
    heartbeat_at: datetime | None
    cron_at: datetime | None

    @property
    def is_active(self) -> bool:
        return bool(self.worker_count or self.cron_at)


def scheduler(now: datetime) -> Scheduler:
    living = ProcrastinateWorker.objects.filter(last_heartbeat__gte=now - HEARTBEAT_LIMIT)
    beats = list(living.values_list("last_heartbeat", flat=True))
    fired = JobRun.objects.filter(started_at__gte=now - CRON_LIMIT, runner__startswith="cron ")
    cron_at = fired.order_by("-started_at").values_list("started_at", flat=True).first()
    return Scheduler(len(beats), max(beats, default=None), cron_at)
