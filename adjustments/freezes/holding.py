"""What applying asks before it posts a line: whether a freeze holds it.

From the asking to the end of the transaction no freeze comes into force, so that what is posted within it was posted
before the freeze. Ask it with the request in hand (its row locked), and take no other request's row after it.
"""

from pathlib import Path

from django.db import IntegrityError, connection
from django.utils.translation import gettext as _

from adjustments.freezes.models import Freeze
from adjustments.models import AdjustmentLine
from billingadmin.sql import statement

SQL = Path(__file__).with_name("freezes.sql")


def freeze_on(line: AdjustmentLine) -> Freeze | None:
    """The freeze that holds this line, if one does."""
    with connection.cursor() as cursor:
        cursor.execute(statement(SQL, "on_line"), {"request": line.adjustment_id, "line": line.key})
        found = cursor.fetchone()[0]
    return Freeze.objects.select_related("frozen_by").get(pk=found) if found else None


def is_late(error: IntegrityError) -> bool:
    """Whether the database refused to note a posting because it is said to have been made under a freeze."""
    return _refused_by(error, "posted_before_the_freeze")


def forbids_approval(error: IntegrityError) -> bool:
    return _refused_by(error, "approved_while_nothing_is_frozen")


def _refused_by(error: IntegrityError, constraint: str) -> bool:
    return getattr(error.__cause__, "diag", None) is not None and error.__cause__.diag.constraint_name == constraint


def sentence(freeze: Freeze) -> str:
    """What is in the way, for the page of the request."""
    return _("Frozen by %(name)s: %(reason)s") % {"name": freeze.frozen_by.name, "reason": freeze.reason}
