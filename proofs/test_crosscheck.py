"""Whatever an owner does to one request, revision, decision or line is told by the log, and named with its request.

The requests are made, decided and posted by the console; then the owner changes one row past all triggers, the rows are
held against the log in the owner's own transaction, and it is undone.
"""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connections

from adjustments import applying, crosscheck
from proofs.test_guards import undone

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = [f"adjustments_{name}" for name in ("adjustment", "adjustmentline", "decision", "revision")]
KINDS = {
    "an amount": ("line", "update {table} set amount = amount + 1"),
    "whose money": ("line", "update {table} set customer = 'Me'"),
    "a subject": ("line", "update {table} set subject = '999'"),
    "a key": ("line", "update {table} set key = gen_random_uuid()"),
    "a receipt": ("posted", """update {table} set receipt = '{{"payment": 999}}'"""),
    "a posting taken back": ("posted", "update {table} set outcome = 'waiting', receipt = null, posted_at = null"),
    "a line removed": ("line", "delete from {table}"),
    "a decision removed": ("decision", "delete from {table}"),
    "a decision of another": ("decision", "update {table} set person_id = person_id + 1"),
    "a decision turned round": ("decision", "update {table} set verdict = 'reject', reason = 'x'"),
    "a decision on something else": ("decision", "update {table} set content_hash = 'x'"),
    "a decision slipped in": (
        "request",
        "insert into adjustments_decision"
        " (adjustment_id, revision, attempt, person_id, verdict, content_hash, reason, at)"
        " select id, revision, 7, proposed_by_id, 'retry', content_hash, 'x', now() from {table}",
    ),
    "a content": ("revision", "update {table} set content = content || ' '"),
    "a content with its hash": (
        "revision",
        "update {table} set content = content || ' ',"
        " content_hash = encode(sha256(convert_to(content || ' ', 'UTF8')), 'hex')",
    ),
    "a revision removed": ("revision", "delete from {table}"),
    "a sum": ("request", "update {table} set amount = amount + 1"),
    "a state": ("request", "update {table} set state = 'withdrawn', closed_at = now(), applied_at = null"),
    "a proposer": ("request", "update {table} set proposed_by_id = 1 + proposed_by_id"),
    "a request slipped in": (
        "request",
        "insert into adjustments_adjustment select (jsonb_populate_record(a, jsonb_build_object("
        "'id', gen_random_uuid(), 'number', 999))).* from {table} a",
    ),
}
WHERE = {
    "line": ("adjustments_adjustmentline", "true"),
    "posted": ("adjustments_adjustmentline", "outcome = 'posted'"),
    "decision": ("adjustments_decision", "true"),
    "revision": ("adjustments_revision", "true"),
    "request": ("adjustments_adjustment", "true"),
}


@pytest.fixture
def made(requests, approve, approver, key_table, now):
    """Six requests: two wait, two are approved, two are posted."""
    found = list(requests(*range(501, 507)))
    for adjustment in found[2:]:
        approve(adjustment, approver)
    for adjustment in found[4:]:
        applying.drive(adjustment.pk, now=now + timedelta(minutes=6))


@pytest.fixture
def of_rows(planted):
    """What the rows and the log do not tell alike, as the owner's own transaction has it."""
    planted.function(crosscheck, "connection", connections["owner"])
    return lambda: [one for name in crosscheck.OF_ROWS for one in crosscheck._of_rows(name)]


@pytest.fixture
def prove_crosscheck(made, of_rows, figure, progress, chance):
    def prove(count):
        assert of_rows() == [], "a false alarm"
        missed = Counter()
        for number in progress(range(count * len(KINDS))):
            name = list(KINDS)[number % len(KINDS)]
            with undone() as cursor:
                cursor.execute("select setseed(%s)", [chance.random()])
                changed = tampered(cursor, *KINDS[name])
                missed[name] += not any(str(changed) in one.target for one in of_rows())
        assert of_rows() == [], "a false alarm"
        total, bad = count * len(KINDS), missed.total()
        figure(f"{len(KINDS)} kinds × {count}: {total - bad:,} of {total:,} found and named, 0 false alarms")
        assert not bad, f"not found: {', '.join(name for name in missed if missed[name])}"

    return prove


def tampered(cursor, which, statement):
    """One row, by chance, changed past all triggers; the request that it belongs to."""
    for table in TABLES:
        cursor.execute(f"alter table {table} disable trigger user")
    table, condition = WHERE[which]
    cursor.execute(f"select id from {table} where {condition} order by random() limit 1")
    one = cursor.fetchone()[0]
    owner = "adjustment_id" if which != "request" or "_decision" in statement else "id"
    cursor.execute(f"{statement.format(table=table)} where id = %s returning {owner}", [one])
    return cursor.fetchone()[0]


@pytest.mark.proof("cross-check")
def test_whatever_an_owner_does_to_a_row_the_log_tells(prove_crosscheck, times):
    prove_crosscheck(times(full=100, small=1))


@pytest.mark.sensitivity("cross-check")
@pytest.mark.parametrize(
    ("name", "missed"),
    [
        ("requests", "a sum"),
        ("revisions", "a content with its hash"),
        ("lines_as_signed", "whose money"),
        ("decisions", "a decision removed"),
        ("lines", "a receipt"),
    ],
)
def test_a_side_that_is_not_compared_would_be_caught(planted, caught, prove_crosscheck, name, missed):
    planted.function(crosscheck, "OF_ROWS", tuple(one for one in crosscheck.OF_ROWS if one != name))
    with caught(f"{name} are not compared", match=f"not found: .*{missed}"):
        prove_crosscheck(1)
