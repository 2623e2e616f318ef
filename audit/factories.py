"""Entries for tests, written the way every entry is written."""

from audit.log import Actor, record
from audit.models import Entry

AIKO = Actor("person:7", "Aiko Tanaka <aiko@billing.example>")


def make_entry(**fields) -> Entry:
    position = record(**{"actor": AIKO, "action_type": "anomaly_claimed", **fields})
    return Entry.objects.get(position=position)
