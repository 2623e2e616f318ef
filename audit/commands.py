"""Who works at a terminal, and what commands do to a source."""

import getpass
from typing import Any

from django.db import transaction

from audit.log import Actor, record


def operator(command: str) -> Actor:
    """Who runs a command: the operating system's user is all that is known."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        name = "unknown"
    return Actor(f"command:{name}", f"{name} (manage.py {command})")


def record_change(
    sender: type, *, command: str, action: str, slug: str, outcome: str, metadata: dict[str, Any], **signal: Any
) -> None:
    """Listens to billingadmin.usage.source_changed."""
    with transaction.atomic():
        record(
            actor=operator(command),
            action_type=action,
            target_type="system",
            target_id=slug,
            system=slug,
            outcome=outcome,
            metadata=metadata,
        )
