"""The made-up paperclip shop with the key table beside its ledger, and requests in every state, made by the verbs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connections

import systems
from accounts.factories import stepped_up
from adjustments import applying, drafting, workflow
from adjustments.policies import changes
from adjustments.policies.models import PLACE
from anomalies.factories import AnomalyFactory
from billingadmin.sql import statement
from systems import registry
from systems.tests.paperclips.factories import OrderFactory

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
APPLIED = Path(systems.__file__).with_name("applied.sql")
KIOSK = Path(__file__).with_name("kiosk") / "schema.sql"


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def at_work():
    """For tests through the browser's door: the clock stands ten minutes after the proposal."""
    with time_machine.travel(NOW + timedelta(minutes=10), tick=False):
        yield


@pytest.fixture
def key_table(db):
    with connections["paperclips_writer"].cursor() as cursor:
        cursor.execute(statement(APPLIED, "key_table_postgresql"))


@pytest.fixture
def order(db):
    return OrderFactory(id=7, shipped=True, total=500)


@pytest.fixture
def anomaly(order):
    return AnomalyFactory(subject=str(order.id))


@pytest.fixture
def target(anomaly):
    return drafting.for_anomaly(anomaly, "book_payment")


@pytest.fixture
def propose(now):
    """Proposes as the page does: drafted, shown, sent."""

    def propose(target, proposer, reason="The bank statement shows it.", at=now):
        seen = drafting.draft(target, now=at).seen
        return workflow.propose(target=target, proposer=proposer, reason=reason, seen=seen, now=at)

    return propose


@pytest.fixture
def approve(now):
    """As the page does: the approver is proven, and decides on what they saw."""

    def approve(adjustment, approver, at=now + timedelta(minutes=5)):
        return workflow.approve(
            adjustment=adjustment,
            approver=stepped_up(approver, adjustment, at),
            revision=adjustment.revision,
            seen=adjustment.content_hash,
            now=at,
        )

    return approve


@pytest.fixture
def edit(now):
    def edit(adjustment, editor, reason="The bank statement of the second shows it.", at=now + timedelta(minutes=2)):
        seen = drafting.draft(drafting.for_edit(adjustment), now=at).seen
        return workflow.edit(
            adjustment=adjustment, editor=editor, revision=adjustment.revision, reason=reason, seen=seen, now=at
        )

    return edit


@pytest.fixture
def change_policy(admin, second_admin, now):
    """A change of policy, asked by one admin and confirmed by another; without a place, of the rule for everything."""

    def change(at=now, kind="", **said):
        place = {name: said.pop(name) for name in PLACE if name in said}
        there = changes.current_rule(**dict(zip(PLACE, ("", "", 0), strict=True)) | place)
        house = changes.current_rule(system="", correction="", from_amount=0)
        asked = {"kind": kind or ("change" if there else "add"), "terms": {**(there or house).terms, **said}}
        change = changes.ask(**place, **asked, reason="The finance board says so.", by=admin, now=at)
        return changes.confirm(change=change, by=second_admin, now=at)

    return change


@pytest.fixture
def requests(propose, support):
    """Pending requests of these sizes, by customer."""

    def requests(*sizes, customer="Hanako", **said):
        for size in sizes:
            order = OrderFactory(shipped=True, total=size, customer=customer)
            target = drafting.for_anomaly(AnomalyFactory(subject=str(order.id)), "book_payment")
            yield propose(target, support, **said)

    return requests


@pytest.fixture
def pending(target, propose, support):
    return propose(target, support)


@pytest.fixture
def approved(pending, approve, approver):
    return approve(pending, approver)


@pytest.fixture
def applied(approved, key_table, now):
    applying.drive(approved.pk, now=now + timedelta(minutes=6))
    approved.refresh_from_db()
    return approved


@pytest.fixture
def needing_attention(approved, key_table, order, now):
    """The order was cancelled meanwhile: the shop refuses the payment, for good."""
    type(order).objects.using("paperclips_writer").filter(pk=order.pk).update(state="cancelled")
    applying.drive(approved.pk, now=now + timedelta(minutes=6))
    approved.refresh_from_db()
    return approved


@pytest.fixture
def paid_by_three(propose, approve, support, approver, db):
    """One request about three orders, as an outage would give."""
    anomalies = [AnomalyFactory(subject=str(OrderFactory(id=number, shipped=True).id)) for number in (1, 2, 3)]
    target = drafting.for_anomalies(anomalies, "book_payment")
    return approve(propose(target, support), approver)


# The kiosk: a ledger in SQLite, for the tests that ask for it --------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def kiosk_aliases(django_db_setup, tmp_path_factory):
    """Before any test opens its transactions, so that these two aliases take part in them; once, for the proofs too."""
    if "kiosk" in connections.settings:
        return
    file = {**connections.settings["default"], "ENGINE": "django.db.backends.sqlite3", "OPTIONS": {}, "CONN_MAX_AGE": 0}
    name = str(tmp_path_factory.mktemp("kiosk") / "kiosk.sqlite3")
    for alias in ("kiosk", "kiosk_writer"):
        connections.settings[alias] = {**file, "NAME": name}
    connections["kiosk"] = connections["kiosk_writer"]


@pytest.fixture
def kiosk(db, settings):
    """Its system, with an empty till and one drink that nobody paid for."""
    settings.BILLING_SYSTEMS = [*settings.BILLING_SYSTEMS, "adjustments.tests.kiosk"]
    with connections["kiosk_writer"].cursor() as cursor:
        for sql in [*KIOSK.read_text(encoding="utf-8").split(";"), statement(APPLIED, "key_table_sqlite")]:
            cursor.execute(sql)
        for table in ("till", "drinks", "billingadmin_applied"):
            cursor.execute(f"delete from {table}")
        cursor.execute("insert into drinks values (3, 150, '2026-11-02T03:00:00+00:00')")
    return registry.get("kiosk")


@pytest.fixture
def drink_approved(kiosk, propose, approve, support, approver):
    return approve(propose(drafting.for_subject(kiosk, "drink", "3", "ring_up"), support), approver)
