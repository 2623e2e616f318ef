"""Two movements of one user's credits wait for each other, and always in the same order."""

import pytest
from django.db import OperationalError, connections, transaction
from django.test.utils import CaptureQueriesContext

from systems.imagegen.factories import BatchFactory, ConsumptionFactory, CreditsFactory, JobFactory, RefundFactory
from systems.imagegen.tests.postings import draft, evidence, post

CASES = [
    ("post_refund", {"failed": True}, [ConsumptionFactory]),
    ("post_consumption", {"succeeded": True}, []),
    ("take_back_refund", {"succeeded": True}, [ConsumptionFactory, RefundFactory]),
]


def line_for(source, code, job, rows):
    made = JobFactory(**job)
    CreditsFactory(paid_balance=500, free=100)
    BatchFactory()
    for factory in rows:
        factory(job=made)
    return draft(source, code, made)[0]


@pytest.fixture
def elsewhere(transactional_db):
    """A cursor of another connection to the source, which waits for nobody."""
    other = connections["imagegen_writer"].copy("elsewhere")
    with other.cursor() as cursor:
        cursor.execute("set lock_timeout = '50ms'")
        yield cursor
    other.close()


def can_change(cursor, table):
    try:
        cursor.execute(f"select 1 from public.{table} for no key update")
    except OperationalError:
        return False
    return True


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("code", "job", "rows"), CASES)
def test_the_evidence_stays_as_it_was_read_until_the_posting_is_done(elsewhere, source, code, job, rows):
    line = line_for(source, code, job, rows)
    tables = ["user_credits", "free_percoin_batches", "image_jobs", *["credit_transactions"][: len(rows)]]

    with transaction.atomic(using="imagegen_writer"):
        evidence(code, line, lock=True)
        held = [table for table in tables if not can_change(elsewhere, table)]

    assert held == tables
    assert all(can_change(elsewhere, table) for table in tables)


@pytest.mark.django_db(transaction=True)
def test_evidence_for_a_person_locks_nothing(elsewhere, source):
    line = line_for(source, *CASES[0])

    with transaction.atomic(using="imagegen_writer"):
        evidence("post_refund", line, lock=False)
        assert can_change(elsewhere, "user_credits")
        assert can_change(elsewhere, "image_jobs")


@pytest.mark.django_db
@pytest.mark.parametrize(("code", "job", "rows"), CASES)
def test_the_balance_is_locked_before_anything_else(source, code, job, rows):
    line = line_for(source, code, job, rows)

    for act in (lambda: evidence(code, line, lock=True), lambda: post(code, line)):
        with CaptureQueriesContext(connections["imagegen_writer"]) as asked:
            act()
        locked = [query["sql"] for query in asked if "for no key update" in query["sql"]]
        assert "public.user_credits" in locked[0]
        written = next((n for n, query in enumerate(asked) if "insert into" in query["sql"]), len(asked))
        assert written > [query["sql"] for query in asked].index(locked[0])
