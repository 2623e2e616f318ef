"""Who a view is for. A view says it; accounts enforces it, for every request, and refuses a view that says nothing.

The names are the rows of the role table (accounts/roles.py says which roles may what). Being a leaf, this module lets
the audit log and the rooms name their audience without importing accounts.
"""

from collections.abc import Callable
from typing import Literal, TypeVar

Capability = Literal[
    "public",  # no sign-in needed
    "signed_in",  # one's own settings
    "read",  # everything of the trade, personal data masked
    "triage",  # claim, snooze, dismiss, note, tick, probe, propose
    "decide",  # approve, reject
    "switch",  # switch, freeze, reconcile
    "thaw",  # lift a freeze, review a switch
    "unmask",  # see personal data, audited
    "audit",  # verify and export the audit log
    "people",  # people, roles, policy
]

View = TypeVar("View", bound=Callable)


def audience(*capabilities: Capability) -> Callable[[View], View]:
    """Marks a view with the capabilities of which its reader needs at least one."""

    def mark(view: View) -> View:
        view.audience = capabilities
        return view

    return mark
