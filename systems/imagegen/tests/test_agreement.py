"""Random histories with every oddity: rules, functions and a brute-force oracle find the same, whole or by window."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from systems import facts
from systems.imagegen.factories import MOMENT, SOMEONE_ELSE, USER
from systems.imagegen.functions import NAMES, definition
from systems.imagegen.models import CreditTransaction, ImageJob
from systems.imagegen.system import SYSTEM
from systems.imagegen.tests import oracle
from systems.imagegen.tests.conftest import NOW
from systems.imagegen.tests.detecting import findings
from systems.reading import reading

pytestmark = pytest.mark.django_db

KINDS = {
    "refund_for_succeeded_job",
    "consumption_without_refund_for_failed_job",
    "succeeded_job_without_consumption",
}
# One letter each, so that capitals are few. The last three are of a version or variant that no ledger row can name.
IDS = [
    *(UUID(f"{letter}0000000-1111-{version}111-8111-111111111111") for version, letter in enumerate("abcdf", 1)),
    UUID("e0000000-1111-7111-8111-111111111111"),
    UUID("e0000000-1111-4111-c111-111111111111"),
    UUID(int=0),
]
SPELLINGS = [str, str, str, lambda i: str(i).upper(), lambda i: str(i).upper(), lambda i: f" {i}", lambda i: i.hex]
OTHERS = [None, {}, {"job_id": None}, {"job_id": ""}, {"job_id": 7}, {"job_id": "x"}, ["job_id"], "job_id", 1]
STATUSES = ["queued", "processing", "succeeded", "succeeded", "failed", "failed", "failed", "paused"]
TYPES = ["consumption", "consumption", "refund", "refund", "admin_deduction", "gift"]
STYLES = [None, {}, {"oneTapStyle": None}, {"oneTapStyle": {}}]
STYLES += [{"oneTapStyle": {"billingMode": mode}} for mode in ("free", "paid", "campaign")]
INDEXES = {
    "credit_transactions_one_consumption_per_job": "consumption",
    "credit_transactions_one_refund_per_job": "refund",
}

moments = st.integers(0, 6).map(lambda number: MOMENT - timedelta(minutes=number))
rows = st.builds(
    CreditTransaction,
    id=st.uuids(version=4),
    user_id=st.just(USER),
    transaction_type=st.sampled_from(TYPES),
    amount=st.sampled_from([-20, -20, -20, 20, 20, 20, 40, -40, 0, -(2**31), 2**31 - 1]),
    metadata=st.sampled_from(OTHERS),
    created_at=st.one_of(st.none(), moments, moments, moments),
)


@st.composite
def stories(draw):
    """A job, or one that is gone, and the ledger rows that name it, most of them its user's."""
    job = ImageJob(
        id=draw(st.sampled_from(IDS)),
        user_id=USER,
        status=draw(st.sampled_from(STATUSES)),
        generation_type=draw(st.sampled_from(["coordinate", "one_tap_style", None])),
        generation_metadata=draw(st.sampled_from(STYLES)),
        updated_at=draw(moments),
    )
    ledger = draw(st.lists(rows, max_size=4))
    for row in ledger:
        row.metadata = {"job_id": draw(st.sampled_from(SPELLINGS))(job.id)}
        row.user_id = draw(st.sampled_from([USER, USER, USER, SOMEONE_ELSE]))
    return job, draw(st.integers(0, 9)) > 0, ledger


@st.composite
def histories(draw):
    """Jobs and ledger rows of some stories, no two about one job, and rows that belong to none."""
    told = draw(st.lists(stories(), max_size=4, unique_by=lambda story: story[0].id))
    jobs = [job for job, is_there, _ in told if is_there]
    return jobs, [row for _, _, ledger in told for row in ledger] + draw(st.lists(rows, max_size=3))


def history(status, *ledger):
    """One job of that status, and (type, amount, spelling) of each row that names it."""
    job = ImageJob(id=IDS[4], user_id=USER, status=status, updated_at=MOMENT)
    named = [
        CreditTransaction(
            id=UUID(int=number),
            user_id=USER,
            transaction_type=kind,
            amount=amount,
            metadata={"job_id": spell(str(job.id))},
            created_at=MOMENT,
        )
        for number, (kind, amount, spell) in enumerate(ledger)
    ]
    return [job], named


def allowed_by(kinds, ledger):
    """The first of any rows that the source, with its unique indexes on these kinds, would not hold together."""
    kept = {}
    for row in ledger:
        text = oracle.text_of(row)
        billing = row.transaction_type in kinds and text is not None
        kept.setdefault((row.user_id, row.transaction_type, text) if billing else row.id, row)
    return list(kept.values())


@pytest.fixture
def lenient(cursor):
    """The source with the functions in it, and without its check lists."""
    for name in NAMES:
        cursor.execute(definition(name))
    cursor.execute("""
        alter table public.image_jobs drop constraint image_jobs_status_check;
        alter table public.credit_transactions drop constraint credit_transactions_transaction_type_check;
    """)
    return cursor


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), since=moments, dropped=st.sets(st.sampled_from(sorted(INDEXES))))
@example(
    history=history(
        "failed",
        *(("consumption", -20, str), ("consumption", -20, str.upper), ("refund", 40, str), ("refund", 0, str.upper)),
    ),
    since=MOMENT,
    dropped=set(),
)
@example(history=history("failed", ("consumption", 20, str), ("refund", -20, str)), since=MOMENT, dropped=set())
@example(
    history=history("failed", ("refund", 20, str), ("refund", 20, str)),
    since=MOMENT,
    dropped={"credit_transactions_one_refund_per_job"},
)
@example(
    history=history("succeeded", ("consumption", -20, str), ("consumption", -20, str.upper)),
    since=MOMENT,
    dropped=set(),
)
def test_rules_functions_and_oracle_agree(lenient, history, since, dropped):
    jobs, ledger = history
    with transaction.atomic(using="imagegen_writer"):
        for index in sorted(dropped):
            lenient.execute(f"drop index public.{index}")
        ledger = allowed_by({kind for index, kind in INDEXES.items() if index not in dropped}, ledger)
        ImageJob.objects.bulk_create(jobs)
        CreditTransaction.objects.bulk_create(ledger)

        agree(lenient, oracle.expected(jobs, ledger), since)

        transaction.set_rollback(True, using="imagegen_writer")


def agree(cursor, everything, since):
    due = {key: told for key, told in everything.items() if told[0] >= since}

    assert told_by_rules() == everything
    assert told_by_rules(since=since, until=NOW) == due
    assert told_one_by_one({subject for _, subject, _ in everything}) == everything
    assert told_by_functions(cursor, since) == {(key, at) for key, (at, _, _) in due.items() if key[0] in KINDS}


def told(finding):
    transactions = finding.fingerprint.split(":")[3:]
    return (finding.rule, finding.subject, tuple(transactions)), (
        finding.observed_at,
        finding.amount,
        finding.verdict.value,
    )


def told_by_rules(**window):
    return dict(map(told, findings(**window)))


def told_one_by_one(subjects):
    with reading(SYSTEM, now=NOW) as source:
        return dict(
            told(finding)
            for of in SYSTEM.facts
            for finding in facts.judge(SYSTEM, source, of, sorted(subjects))
            if finding.subject in subjects
        )


def told_by_functions(cursor, since):
    cursor.execute(
        "select anomaly_type, job_id, consumption_tx_id, refund_tx_id, observed_at"
        " from public.detect_generation_billing_anomalies(%s)",
        [since],
    )
    named_by_rule = {rule.code: rule.transactions for rule in SYSTEM.rules}
    answer = set()
    for kind, job_id, consumption, refund, at in cursor.fetchall():
        ids = {"consumption_id": consumption, "refund_id": refund}
        transactions = tuple(str(ids[column] or "-") for column in named_by_rule[kind])
        answer.add(((kind, str(job_id), transactions), at))
    return answer


def test_the_oracle_itself_finds_something():
    job = ImageJob(id=IDS[0], user_id=USER, status="failed", updated_at=MOMENT)
    charge = CreditTransaction(user_id=USER, transaction_type="consumption", amount=-20, created_at=MOMENT)
    charge.metadata = {"job_id": str(job.id).upper()}

    assert {rule for rule, _, _ in oracle.expected([job], [charge])} == {"consumption_without_refund_for_failed_job"}
