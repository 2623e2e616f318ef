"""Reconciliation: what the ledger and the console do not agree about is found, in both directions, and nothing else."""

import uuid
from datetime import timedelta

import pytest
from django.db import connections
from django.urls import reverse

from adjustments import applying
from adjustments.models import AdjustmentLine
from adjustments.reconciliation import asking, passing
from adjustments.reconciliation.models import Answer, Discrepancy, Kind, Reconciliation
from audit.models import Entry
from systems import registry

pytestmark = pytest.mark.django_db


@pytest.fixture
def later(now):
    return now + timedelta(hours=1)


@pytest.fixture
def reconcile(later):
    def reconcile(slug="paperclips", at=None, whole=False):
        return passing.reconcile(registry.get(slug), now=at or later, whole=whole)

    return reconcile


def ledger(sql, *values, alias="paperclips_writer"):
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, values)


def found():
    return sorted(Discrepancy.objects.open().values_list("kind", flat=True))


def line_of(adjustment):
    return adjustment.current_lines().get()


def test_what_was_posted_agrees(applied, reconcile):
    run = reconcile()

    assert (run.answer, run.key_count, run.line_count, run.found_count) == (Answer.DONE, 1, 1, 0)
    assert found() == []


def test_a_key_that_no_request_has_is_found(key_table, reconcile, now):
    stray = uuid.uuid4()
    sql = (
        "insert into billingadmin_applied (key, content_hash, outcome, receipt, at) values (%s, %s, 'posted', '{}', %s)"
    )
    ledger(sql, stray, "a" * 64, now)

    reconcile()

    assert list(Discrepancy.objects.values_list("kind", "key", "adjustment")) == [
        (Kind.KEY_WITHOUT_REQUEST, stray, None)
    ]


def test_a_posted_line_whose_key_is_gone_is_found(applied, reconcile):
    ledger("delete from billingadmin_applied")

    reconcile()

    assert found() == [Kind.LINE_WITHOUT_KEY]
    assert Discrepancy.objects.get().adjustment == applied


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("update billingadmin_applied set content_hash = repeat('b', 64)", Kind.CONTENT_DIFFERS),
        ("update billingadmin_applied set outcome = 'void'", Kind.OUTCOME_DIFFERS),
        ("update billingadmin_applied set receipt = '{\"payment_id\": 0}'", Kind.RECEIPT_DIFFERS),
        ("delete from payments", Kind.ROW_GONE),
        ("update payments set amount = amount + 1", Kind.ROW_DIFFERS),
    ],
)
def test_a_change_in_the_ledger_is_found_and_named(applied, reconcile, change, kind):
    ledger(change)

    reconcile()

    assert found() == [kind]


def test_what_was_approved_a_while_ago_and_never_posted_is_found(approved, key_table, reconcile, now):
    reconcile(at=now + timedelta(minutes=8))
    assert found() == []

    reconcile(at=now + timedelta(minutes=11))
    assert found() == [Kind.APPROVED_WITHOUT_ROW]


def test_what_was_posted_and_not_noted_is_found_once_it_is_no_longer_under_way(approved, key_table, reconcile, now):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(applying, "_keep", lambda *arguments, **named: False)
        applying.drive(approved.pk, now=now + timedelta(minutes=6))

    reconcile(at=now + timedelta(minutes=7))
    assert found() == []

    reconcile(at=now + timedelta(minutes=12))
    assert found() == [Kind.NOT_NOTED]


def test_what_agrees_again_is_settled_and_stays_on_record(approved, key_table, reconcile, later):
    reconcile()

    applying.drive(approved.pk, now=later)
    reconcile(at=later + timedelta(hours=1))

    settled = Discrepancy.objects.get()
    assert settled.first_seen_at == later
    assert settled.settled_at == later + timedelta(hours=1)


def test_the_same_finding_is_one_row_with_a_later_last_seen(applied, reconcile, later):
    ledger("delete from billingadmin_applied")
    reconcile()

    reconcile(at=later + timedelta(hours=1))

    one = Discrepancy.objects.get()
    assert (one.first_seen_at, one.last_seen_at) == (later, later + timedelta(hours=1))


def test_a_window_leaves_old_history_to_the_whole_pass(applied, reconcile, now):
    ledger("delete from billingadmin_applied")

    reconcile(at=now + timedelta(days=5))
    assert found() == []

    reconcile(at=now + timedelta(days=5), whole=True)
    assert found() == [Kind.LINE_WITHOUT_KEY]


def test_a_finding_is_audited_once(applied, reconcile, later):
    ledger("delete from payments")
    reconcile()
    reconcile(at=later + timedelta(hours=1))

    entry = Entry.objects.get(action_type="reconciliation_found")
    assert entry.metadata["new"] == 1
    assert entry.metadata["sample"][0]["kind"] == "row_gone"


def test_without_a_key_table_it_cannot_tell_and_says_so(approved, reconcile):
    run = reconcile()

    assert run.answer == Answer.CANNOT_TELL
    assert "prepare_source paperclips" in run.why


def test_without_a_writer_it_cannot_tell(applied, reconcile, monkeypatch):
    monkeypatch.setattr("adjustments.ledger.is_connected", lambda alias: False)

    assert "PAPERCLIPS_WRITER_DATABASE_URL" in reconcile().why


def test_out_of_time_it_says_how_far_it_came_and_settles_nothing(applied, reconcile, later, monkeypatch):
    ledger("delete from payments")
    reconcile()
    monkeypatch.setattr(passing, "PATIENCE", {True: -1, False: -1})

    run = reconcile(at=later + timedelta(hours=1))

    assert run.answer == Answer.CANNOT_TELL
    assert "ran out of time after 1 keys and 0 lines" in run.why
    assert found() == [Kind.ROW_GONE]


def test_page_by_page_nothing_is_missed(applied, reconcile, now, monkeypatch):
    monkeypatch.setattr(passing, "PAGE", 2)
    for number in range(5):
        sql = "insert into billingadmin_applied (key, content_hash, outcome, at) values (%s, %s, 'void', %s)"
        ledger(sql, uuid.UUID(int=number + 1), "a" * 64, now)

    assert reconcile().key_count == 6
    assert found() == [Kind.KEY_WITHOUT_REQUEST] * 5


def test_it_writes_nothing_to_the_ledger(applied, reconcile):
    with pytest.raises(Exception, match="read-only"), passing._looking(registry.get("paperclips")) as cursor:
        cursor.execute("delete from payments")


def test_a_ledger_in_sqlite_is_compared_too(drink_approved, reconcile, now):
    applying.drive(drink_approved.pk, now=now + timedelta(minutes=6))
    assert reconcile("kiosk").found_count == 0

    ledger("update till set amount = 1", alias="kiosk_writer")
    reconcile("kiosk")

    assert found() == [Kind.ROW_DIFFERS]


def test_the_database_keeps_findings(applied, reconcile):
    ledger("delete from payments")
    reconcile()

    with pytest.raises(Exception, match="permission denied"):
        Discrepancy.objects.all().delete()


# The page ------------------------------------------------------------------------------------------------------------


def test_the_page_shows_what_does_not_agree(applied, reconcile, manager_client):
    ledger("delete from payments")
    reconcile()

    text = manager_client.get(reverse("adjustments:reconciliation")).content.decode()

    assert "The ledger row that the receipt names is gone." in text
    assert f"#{applied.number}" in text


def test_the_page_says_that_all_agrees_only_after_it_was_asked(applied, reconcile, manager_client):
    page = reverse("adjustments:reconciliation")
    assert "Nothing has been compared yet" in manager_client.get(page).content.decode()

    reconcile()
    assert "Everything that was compared agrees" in manager_client.get(page).content.decode()


def test_whoever_may_switch_may_have_it_reconciled_and_it_is_recorded(support_client, manager_client):
    ask = reverse("adjustments:reconcile", args=["paperclips"])

    assert manager_client.post(ask).status_code == 403
    assert support_client.get(ask).status_code == 405
    assert support_client.post(ask).status_code == 302
    assert Entry.objects.filter(action_type="reconciliation_requested", system="paperclips").count() == 1

    support_client.post(ask)
    assert Entry.objects.filter(action_type="reconciliation_requested").count() == 1
    assert support_client.post(reverse("adjustments:reconcile", args=["nowhere"])).status_code == 404


def test_the_clock_asks_the_worker(now):
    assert asking.by_the_clock(now).startswith("The worker was asked to reconcile")
    assert not Reconciliation.objects.exists()
    assert AdjustmentLine.objects.count() == 0
