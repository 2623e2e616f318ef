"""What the worker does for adjustments. It alone has connections that may write to a source."""

import logging
from uuid import UUID

from django.utils import timezone

from adjustments import applying, preview, recovery
from adjustments.reconciliation import passing
from audit import readiness
from jobs.queue import app
from systems import registry

log = logging.getLogger(__name__)


@app.task(name="adjustments.apply", queue="apply")
def apply(adjustment: str) -> str:
    """Safe to run again: what is posted is posted once. The recovery job asks again for what did not end."""
    readiness.anchor_when_due(timezone.now())
    try:
        return applying.drive(UUID(adjustment), now=timezone.now())
    except Exception as error:
        log.exception("Applying %s failed.", adjustment)
        recovery.failed(UUID(adjustment), error, now=timezone.now())
        raise


@app.task(name="adjustments.preview", queue="apply")
def answer_preview(preview_id: str) -> str:
    return preview.answer(UUID(preview_id), now=timezone.now())


@app.task(name="adjustments.reconcile", queue="apply")
def reconcile(slug: str, whole: bool = False) -> str:
    found = passing.reconcile(registry.get(slug), now=timezone.now(), whole=whole)
    return f"{slug}: {found.answer}, {found.found_count} open. {found.why}".strip()


from adjustments.switches import tasks as switches  # noqa: E402, F401  (the queue looks for tasks in this module alone)
