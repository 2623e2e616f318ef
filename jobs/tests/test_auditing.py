"""The audit log's jobs: anchors as soon as something about money or rights is committed, and verdicts that are kept."""

from datetime import UTC, datetime

import pytest
from django.db import connections, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from audit.factories import make_entry
from audit.models import Verification
from jobs import auditing

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def file(tmp_path, settings):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    return tmp_path / "anchors.jsonl"


def asked():
    return ProcrastinateJob.objects.filter(task_name="jobs.anchor_audit_log").count()


@pytest.mark.django_db(transaction=True)
def test_each_transaction_about_money_or_rights_asks_for_one_anchor():
    for _ in range(2):
        with transaction.atomic():
            make_entry(action_type="adjustment_approved")
            make_entry(action_type="role_changed")

    assert asked() == 2


@pytest.mark.django_db
def test_other_entries_wait_for_the_clock():
    make_entry(action_type="signed_in")

    assert asked() == 0


@pytest.mark.django_db(transaction=True)
def test_the_job_anchors_the_head(file):
    with transaction.atomic():
        make_entry()

    assert auditing.anchor(NOW) == auditing.anchor_now.func() == "Anchored up to position 1."


@pytest.mark.django_db
def test_the_job_says_when_no_file_is_named():
    assert "AUDIT_ANCHOR_FILE" in auditing.anchor(NOW)


@pytest.mark.django_db
@pytest.mark.parametrize(("job", "in_database"), [(auditing.verify, True), (auditing.verify_thoroughly, False)])
def test_the_verdict_is_kept(job, in_database):
    make_entry()

    assert job(NOW).startswith("Intact: 1 entries")
    kept = Verification.objects.latest()
    assert (kept.at, kept.verdict, kept.in_database) == (NOW, "intact", in_database)


@pytest.mark.django_db(transaction=True)
def test_a_broken_log_fails_the_job_and_is_kept_as_broken(file):
    with transaction.atomic():
        make_entry()
    auditing.anchor(NOW)
    with connections["owner"].cursor() as cursor:
        cursor.execute("alter table admin_audit_log disable trigger admin_audit_log_no_truncate")
        cursor.execute("truncate admin_audit_log")
        cursor.execute("alter table admin_audit_log enable always trigger admin_audit_log_no_truncate")

    with pytest.raises(auditing.Untrustworthy, match=r"Broken at position 1 \(cut\)"):
        auditing.verify(NOW)

    assert Verification.objects.latest().verdict == "broken"
