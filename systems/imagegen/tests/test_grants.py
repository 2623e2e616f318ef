"""What docs/databases.md grants is what the console needs, no more than asked for there and no less."""

import os
import re
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from billingadmin.postgres import embedded
from systems import facts
from systems.imagegen.factories import (
    USER,
    AllocationFactory,
    BatchFactory,
    ConsumptionFactory,
    CreditsFactory,
    JobFactory,
)
from systems.imagegen.system import SYSTEM
from systems.imagegen.tests.conftest import NOW
from systems.imagegen.tests.postings import adds_up, draft, effects, evidence, keyed, post
from systems.reading import reading

pytestmark = pytest.mark.django_db
DOCUMENTED = Path(settings.BASE_DIR, "docs", "databases.md")


@pytest.fixture(scope="module")
def stranger():
    """A role that may do nothing, which the tests' writer may become."""
    name = f"stranger_{os.getpid()}"
    url = embedded.url("test", user=embedded.SUPERUSER, database="postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"create role {name} bypassrls")
        connection.execute(f"grant {name} to imagegen_writer")
        yield name
        connection.execute(f"drop role {name}")


@pytest.fixture
def become(cursor, stranger):
    """Gives the stranger the documented grants of one of the two roles, and lets the cursor be it, or itself again."""

    def documented(role):
        text = re.sub(r"--.*", "", DOCUMENTED.read_text(encoding="utf-8"))
        for grant in re.findall(rf"grant [^;]+ to {role}", text):
            if "billingadmin_applied" not in grant:
                cursor.execute(grant.replace(role, stranger))
        return lambda on=True: cursor.execute(f"set local role {stranger}" if on else "reset role")

    return documented


def test_a_reader_may_ask_everything(become, source):
    job = JobFactory(failed=True)
    ConsumptionFactory(job=job)
    CreditsFactory()
    become("billing_reader")()

    for kind in SYSTEM.subjects:
        for subject in (str(job.id), str(USER)):
            kind.find(source, subject), kind.describe(source, subject), kind.timeline(source, subject)
    for probe in SYSTEM.probes:
        probe.measure(source)
    with reading(SYSTEM, now=NOW) as questions:
        found = [finding for of in SYSTEM.facts for finding in facts.findings(SYSTEM, questions, of, facts.Window())]
    assert [finding.rule for finding in found] == ["consumption_without_refund_for_failed_job"]


def test_a_writer_may_post_every_correction(become, source):
    failed, succeeded = JobFactory(failed=True), JobFactory(succeeded=True)
    charge = ConsumptionFactory(job=failed)
    AllocationFactory(job_id=failed.id, consumption_transaction_id=charge.id, amount=20)
    be = become("billing_writer")
    story = [("post_refund", failed), ("post_consumption", succeeded), ("give_back", succeeded)]

    for number, (code, job) in enumerate([*story, ("take_back_refund", failed)]):
        be(False)
        (line,) = draft(source, code, job)
        be()
        evidence(code, line, lock=True)
        post(code, line, keyed(number))
        effects(line)

    be(False)
    assert adds_up(USER)


def test_a_batch_that_is_used_up_may_be_deleted(become, source):
    job = JobFactory(succeeded=True)
    CreditsFactory(free=20)
    BatchFactory(remaining_amount=20)
    (line,) = draft(source, "post_consumption", job)
    become("billing_writer")()

    post("post_consumption", line)
