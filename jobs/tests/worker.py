"""A real worker on the tests' database, for tests that commit (``django_db(transaction=True)``)."""

from unittest.mock import patch

from django.db import connections

from jobs.queue import app


def work_off(*queues):
    """Works until nothing waits (in these queues). The clock's own firings stay out: only what a test deferred runs."""
    with (
        patch.object(app.periodic_registry, "periodic_tasks", {}),
        app.replace_connector(app.connector.get_worker_connector()) as worker,
    ):
        worker.run_worker(
            queues=(queues and list(queues)) or None,
            wait=False,
            install_signal_handlers=False,
            listen_notify=False,
            task_middleware=[closing],
        )


def closing(call_next, context, worker):
    """The worker's threads end with it, and their connections must not outlive the tests' database."""
    try:
        return call_next()
    finally:
        connections.close_all()
