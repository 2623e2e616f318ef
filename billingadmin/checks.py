"""What ``manage.py check --deploy`` says about the house itself."""

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connection

from billingadmin import durability
from billingadmin.privileges import site_role

QUEUE_CONNECTIONS = 11  # Procrastinate's pool, and the one it listens on


@register(Tags.security, deploy=True)
def the_site_is_not_the_owner(app_configs: Any, **_kwargs: Any) -> list[CheckMessage]:
    if site_role():
        return []
    return [
        Warning(
            "The site logs in as the owner of its tables.",
            hint="Set DATABASE_OWNER_URL to a login that is a member of the tables' owner, and let DATABASE_URL be "
            "another role. As it is, whoever gets hold of the site's connection can disable the triggers that keep "
            "the audit log and the adjustments from being changed; with two roles the database refuses it.",
            id="billingadmin.W001",
        )
    ]


@register(Tags.security, deploy=True)
def only_the_worker_writes(app_configs: Any, **_kwargs: Any) -> list[CheckMessage]:
    held = sorted(name for name in os.environ if name.endswith("_WRITER_DATABASE_URL"))
    if not held:
        return []
    return [
        Warning(
            f"This environment holds {', '.join(held)}.",
            hint="Only the worker needs the logins that may write to a source. Keep them out of the environment of the "
            "web processes, of cron and of people's shells; in the worker's own environment this warning is expected.",
            id="billingadmin.W004",
        )
    ]


@register(Tags.database, deploy=True)
def the_server_has_connections_enough(app_configs: Any, **_kwargs: Any) -> list[CheckMessage]:
    allowed, needed = connections_allowed(), connections_needed()
    if allowed is None or needed <= allowed:
        return []
    return [
        Warning(
            f"The console may open {needed} connections to its server at once, which allows {allowed}.",
            hint="Raise max_connections, or lower WEB_WORKERS, WEB_THREADS or JOB_CONCURRENCY.",
            id="billingadmin.W002",
        )
    ]


@register(Tags.database, deploy=True)
def what_is_acknowledged_is_on_disk(app_configs: Any, **_kwargs: Any) -> list[CheckMessage]:
    """Of the console, and of every ledger that this process may write to: run it in the worker's environment too."""
    writers = [alias for alias in settings.DATABASES if alias.endswith("_writer")]
    try:
        refused = durability.refused("default", *writers)
    except DatabaseError:
        return []  # one that cannot be asked is told elsewhere
    return [
        Error(
            f"The database “{alias}” may lose what it has acknowledged: {', '.join(found)}.",
            hint="Set each of them on again, for the server, the database and the role. Until then the worker posts "
            "nothing, and the pages of the requests and of the systems' health say so.",
            id="billingadmin.E001",
        )
        for alias, found in refused.items()
    ]


def connections_needed() -> int:
    """Each thread may hold one for every alias on the console's server; only the job worker has the writers'."""
    site = settings.DATABASES["default"]
    same = [
        alias
        for alias, one in settings.DATABASES.items()
        if (one.get("HOST"), one.get("PORT")) == (site["HOST"], site["PORT"])
    ]
    read = [alias for alias in same if alias != "owner" and not alias.endswith("_writer")]
    web = settings.WEB_WORKERS * settings.WEB_THREADS * len(read)
    return web + settings.JOB_CONCURRENCY * len(same) + QUEUE_CONNECTIONS


def connections_allowed() -> int | None:
    """None when the server cannot be asked: that is told elsewhere."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("show max_connections")
            return int(cursor.fetchone()[0])
    except DatabaseError:
        return None
