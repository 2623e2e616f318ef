"""Which findings a window holds: those whose answer was due within it, its start included."""

from datetime import timedelta

import pytest

from systems.imagegen.factories import MOMENT, ConsumptionFactory, JobFactory, RefundFactory
from systems.imagegen.tests.detecting import found

pytestmark = pytest.mark.django_db

MICROSECOND = timedelta(microseconds=1)
LONG_AGO = MOMENT - timedelta(days=30)
FAR_AWAY = MOMENT + timedelta(days=36_500)  # the source's trigger goes by the server's clock


def subjects(**window):
    return {subject for _, subject in found(**window)}


@pytest.mark.parametrize("since", [MOMENT, MOMENT - MICROSECOND])
def test_the_start_is_inside(since):
    job = JobFactory(succeeded=True)

    assert subjects(since=since) == {str(job.id)}


def test_before_the_start_is_outside():
    JobFactory(succeeded=True)

    assert subjects(since=MOMENT + MICROSECOND) == set()


def test_the_end_is_outside():
    job = JobFactory(succeeded=True)

    assert subjects(since=LONG_AGO, until=MOMENT) == set()
    assert subjects(since=LONG_AGO, until=MOMENT + MICROSECOND) == {str(job.id)}


@pytest.mark.parametrize(("job_at", "refund_at"), [(MOMENT, LONG_AGO), (LONG_AGO, MOMENT)])
def test_the_later_of_job_and_ledger_row_counts(job_at, refund_at):
    job = JobFactory(succeeded=True, updated_at=job_at)
    ConsumptionFactory(job=job, created_at=LONG_AGO)
    RefundFactory(job=job, created_at=refund_at, capitals=True)

    assert subjects(since=MOMENT) == {str(job.id)}
    assert subjects(since=LONG_AGO, until=MOMENT) == set()


def test_a_row_without_a_date_leaves_the_job_to_tell_the_time():
    job = JobFactory(failed=True)
    ConsumptionFactory(job=job, dateless=True)

    assert subjects(since=MOMENT) == {str(job.id)}


def test_a_job_touched_again_is_found_again():
    job = JobFactory(failed=True, updated_at=LONG_AGO)
    ConsumptionFactory(job=job, created_at=LONG_AGO)
    assert subjects(since=MOMENT, until=FAR_AWAY) == set()

    type(job).objects.filter(pk=job.pk).update(attempts=4)

    assert subjects(since=MOMENT, until=FAR_AWAY) == {str(job.id)}


def test_an_orphan_without_a_date_waits_for_the_sweep_of_all_history():
    charge = ConsumptionFactory(orphan=True, dateless=True)

    assert subjects(since=LONG_AGO) == set()
    assert subjects() == {str(charge.id)}


def test_a_job_deleted_after_its_time_is_found_by_the_sweep_only():
    charge = ConsumptionFactory(orphan=True, created_at=LONG_AGO)

    assert subjects(since=MOMENT) == set()
    assert subjects() == {str(charge.id)}


def test_a_duplicate_is_found_when_its_younger_row_comes():
    job = JobFactory(succeeded=True, updated_at=LONG_AGO)
    ConsumptionFactory(job=job, created_at=LONG_AGO, capitals=True)
    ConsumptionFactory(job=job)

    assert subjects(since=MOMENT) == {str(job.id)}
