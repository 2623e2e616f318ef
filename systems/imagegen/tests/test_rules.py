"""What each rule finds, what it must not find, and what it says of it."""

from datetime import timedelta

import pytest

from systems.base import Severity, Verdict
from systems.imagegen.factories import MOMENT, SOMEONE_ELSE, ConsumptionFactory, JobFactory, RefundFactory
from systems.imagegen.rules import ANOMALIES, NOTICES
from systems.imagegen.tests.detecting import findings, found, only

pytestmark = pytest.mark.django_db

LATER = MOMENT + timedelta(minutes=1)


def charged(**job):
    job = JobFactory(**job)
    return job, ConsumptionFactory(job=job)


# What is in order ----------------------------------------------------------------------------------------------------


def test_a_job_that_succeeded_and_was_charged_is_in_order():
    charged(succeeded=True)

    assert found() == set()


def test_a_job_that_failed_and_was_refunded_is_in_order():
    job, _ = charged(failed=True)
    RefundFactory(job=job)

    assert found() == set()


def test_a_job_that_could_not_be_charged_is_in_order():
    JobFactory(unpaid=True)

    assert found() == set()


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_a_charged_job_at_work_is_in_order(status):
    charged(status=status)

    assert found() == set()


def test_a_spelling_in_capitals_names_the_job_all_the_same():
    ConsumptionFactory(job=JobFactory(succeeded=True), capitals=True)

    assert found() == set()


# The three anomalies -------------------------------------------------------------------------------------------------


def test_refund_for_succeeded_job():
    job, charge = charged(succeeded=True)
    refund = RefundFactory(job=job, created_at=LATER, capitals=True)

    finding = only("refund_for_succeeded_job")

    assert finding.fingerprint == f"imagegen:refund_for_succeeded_job:{job.id}:{charge.id}:{refund.id}"
    assert (finding.kind, finding.observed_at, finding.severity) == ("job", LATER, Severity.MAJOR)
    assert (finding.amount, finding.unit, finding.verdict) == (20, "credits", Verdict.ANOMALY)
    assert len(findings()) == 1


def test_consumption_without_refund_for_failed_job():
    job, charge = charged(failed=True)

    finding = only("consumption_without_refund_for_failed_job")

    assert finding.fingerprint == f"imagegen:consumption_without_refund_for_failed_job:{job.id}:{charge.id}"
    assert (finding.amount, finding.severity) == (-20, Severity.CRITICAL)
    assert finding.facts["user_id"] == str(job.user_id)
    assert finding.facts["error_message"] == "No images generated"
    assert len(findings()) == 1


def test_succeeded_job_without_consumption():
    job = JobFactory(succeeded=True, updated_at=LATER)

    finding = only("succeeded_job_without_consumption")

    assert finding.fingerprint == f"imagegen:succeeded_job_without_consumption:{job.id}:-"
    assert (finding.observed_at, finding.amount, finding.verdict) == (LATER, None, Verdict.ANOMALY)


def test_a_job_carries_two_kinds_at_once():
    job = JobFactory(succeeded=True)
    RefundFactory(job=job)

    assert found() == {
        ("refund_for_succeeded_job", str(job.id)),
        ("succeeded_job_without_consumption", str(job.id)),
    }


@pytest.mark.parametrize("trait", ["one_tap_free", "one_tap_other_mode", "one_tap_without_mode"])
def test_a_job_that_is_free_by_design_is_expected(trait):
    JobFactory(**{trait: True})

    finding = only("succeeded_job_without_consumption")

    assert finding.verdict == Verdict.EXPECTED
    assert finding.facts["in_free_weeks"] is False


@pytest.mark.parametrize("trait", ["one_tap_paid", "one_tap_without_object"])
def test_a_one_tap_job_that_was_to_be_paid_is_an_anomaly(trait):
    JobFactory(**{trait: True})

    assert only("succeeded_job_without_consumption").verdict == Verdict.ANOMALY


@pytest.mark.parametrize("metadata", [None, [], "x", {"oneTapStyle": None}, {"oneTapStyle": "free"}])
def test_odd_generation_metadata_makes_no_job_free(metadata):
    JobFactory(succeeded=True, generation_type="one_tap_style", generation_metadata=metadata)

    assert only("succeeded_job_without_consumption").verdict == Verdict.ANOMALY


def test_another_users_charge_does_not_count_for_the_job():
    job = JobFactory(succeeded=True)
    charge = ConsumptionFactory(job=job, somebody_elses=True)

    assert found() == {
        ("succeeded_job_without_consumption", str(job.id)),
        ("ledger_row_of_another_user", str(charge.id)),
    }


# What no detection of the source covers ------------------------------------------------------------------------------


def test_orphan_ledger_row():
    charge = ConsumptionFactory(orphan=True)

    finding = only("orphan_ledger_row")

    assert (finding.kind, finding.subject, finding.amount) == ("transaction", str(charge.id), -20)
    assert len(findings()) == 1


def test_ledger_row_of_another_user():
    job, _ = charged(succeeded=True)
    charge = ConsumptionFactory(job=job, somebody_elses=True)

    finding = only("ledger_row_of_another_user")

    assert finding.subject == str(charge.id)
    assert finding.facts["user_id"] == str(SOMEONE_ELSE)
    assert finding.facts["job_user_id"] == str(job.user_id)


@pytest.mark.parametrize("spelling", ["padded", "empty", "numeric", "null"])
def test_malformed_job_id(spelling):
    charge = ConsumptionFactory(job=JobFactory(failed=True), **{spelling: True})

    finding = only("malformed_job_id")

    assert (finding.kind, finding.subject, finding.amount) == ("transaction", str(charge.id), -20)
    assert len(findings()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "{11111111-1111-4111-8111-111111111111}",
        "11111111111141118111111111111111",
        "11111111-1111-4111-c111-111111111111",
        "11111111-1111-6111-8111-111111111111",
        "11111111-1111-4111-8111-11111111111g",
        "11111111-1111-4111-8111-111111111111\n",
        "00000000-0000-0000-0000-000000000000",
        {"id": "11111111-1111-4111-8111-111111111111"},
        ["11111111-1111-4111-8111-111111111111"],
    ],
)
def test_what_only_resembles_a_job_id_is_malformed(text):
    ConsumptionFactory(metadata={"job_id": text})

    only("malformed_job_id")


@pytest.mark.parametrize("metadata", [["job_id"], "job_id"])
def test_metadata_that_is_no_object_is_named_too(metadata):
    ConsumptionFactory(metadata=metadata)

    assert only("malformed_job_id").facts["job_id"] is None


@pytest.mark.parametrize("version", range(1, 6))
def test_every_version_up_to_five_names_a_job(version):
    charged(succeeded=True, id=f"11111111-1111-{version}111-8111-111111111111")

    assert found() == set()


def test_a_job_of_version_seven_cannot_be_named():
    job, charge = charged(succeeded=True, version_seven=True)

    assert found() == {
        ("malformed_job_id", str(charge.id)),
        ("succeeded_job_without_consumption", str(job.id)),
    }


def test_null_metadata_and_a_charge_that_names_no_job_are_in_order():
    ConsumptionFactory(without_metadata=True)
    ConsumptionFactory(metadata={"reason": "image_generation"})

    assert found() == set()


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_refund_during_retry(status):
    job, _ = charged(status=status)
    refund = RefundFactory(job=job)

    finding = only("refund_during_retry")

    assert finding.fingerprint == f"imagegen:refund_during_retry:{job.id}:{refund.id}"
    assert (finding.amount, finding.verdict) == (20, Verdict.ANOMALY)
    assert len(findings()) == 1


def test_a_refund_under_an_unknown_status_cannot_be_told(cursor):
    cursor.execute("alter table public.image_jobs drop constraint image_jobs_status_check")
    job, _ = charged(status="paused")
    RefundFactory(job=job)

    assert only("refund_during_retry").verdict == Verdict.CANNOT_TELL


def test_duplicate_ledger_rows():
    job, charge = charged(succeeded=True)
    second = ConsumptionFactory(job=job, capitals=True, created_at=LATER, amount=-50)

    finding = only("duplicate_ledger_rows")

    assert finding.fingerprint == f"imagegen:duplicate_ledger_rows:{job.id}:{charge.id}"
    assert finding.facts["transaction_ids"] == [str(charge.id), str(second.id)]
    assert (finding.kind, finding.amount, finding.observed_at) == ("job", -50, LATER)
    assert len(findings()) == 1


def test_duplicates_are_told_oldest_first_and_undated_ones_before_all(cursor):
    cursor.execute("drop index public.credit_transactions_one_refund_per_job")
    job, _ = charged(failed=True)
    newest = RefundFactory(job=job, created_at=LATER)
    oldest = RefundFactory(job=job, created_at=MOMENT)
    undated = RefundFactory(job=job, created_at=None)

    finding = only("duplicate_ledger_rows")

    assert finding.facts["transaction_ids"] == [str(row.id) for row in (undated, oldest, newest)]
    assert finding.facts["spelled_alike"] is True


def test_rows_whose_job_id_is_null_are_no_duplicates():
    ConsumptionFactory.create_batch(2, metadata={"job_id": None})

    assert {rule for rule, _ in found()} == {"malformed_job_id"}


def test_the_same_job_charged_and_refunded_to_two_users_is_no_duplicate():
    job, _ = charged(failed=True)
    RefundFactory(job=job)
    ConsumptionFactory(job=job, somebody_elses=True)

    assert {rule for rule, _ in found()} == {"ledger_row_of_another_user"}


def test_refund_amount_mismatch():
    job, charge = charged(failed=True)
    refund = RefundFactory(job=job, amount=15)

    finding = only("refund_amount_mismatch")

    assert finding.fingerprint == f"imagegen:refund_amount_mismatch:{job.id}:{charge.id}:{refund.id}"
    assert finding.amount == -5
    assert len(findings()) == 1


def test_the_smallest_integer_is_no_crash():
    job = JobFactory(failed=True)
    ConsumptionFactory(job=job, amount=-(2**31))
    RefundFactory(job=job, amount=2**31 - 1)

    assert only("refund_amount_mismatch").amount == -1


def test_a_mismatch_is_due_when_its_younger_row_was_written():
    job = JobFactory(failed=True, updated_at=MOMENT - timedelta(days=9))
    RefundFactory(job=job, amount=15, created_at=MOMENT - timedelta(days=9))
    ConsumptionFactory(job=job)

    assert only("refund_amount_mismatch", since=MOMENT).observed_at == MOMENT


def test_refund_without_consumption():
    job = JobFactory(unpaid=True)
    refund = RefundFactory(job=job)

    finding = only("refund_without_consumption")

    assert finding.fingerprint == f"imagegen:refund_without_consumption:{job.id}:{refund.id}"
    assert finding.amount == 20
    assert len(findings()) == 1


# All of them ---------------------------------------------------------------------------------------------------------


def test_two_charges_make_two_findings_of_one_refund():
    job, _ = charged(succeeded=True)
    ConsumptionFactory(job=job, capitals=True)
    RefundFactory(job=job)

    assert len(findings(rules={"refund_for_succeeded_job"})) == 2


def test_only_the_runbooks_three_are_more_than_notices():
    assert {rule.severity for rule in ANOMALIES} == {Severity.MAJOR, Severity.CRITICAL}
    assert {rule.severity for rule in NOTICES} == {Severity.NOTICE}


def test_an_unknown_transaction_type_is_no_crash(cursor):
    cursor.execute("alter table public.credit_transactions drop constraint credit_transactions_transaction_type_check")
    ConsumptionFactory(job=JobFactory(), transaction_type="gift")

    assert found() == set()
