"""Request, ledger and audit log tell the same; whatever an owner changes on one side is seen on the other."""

from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from adjustments import workflow
from adjustments.crosscheck import discrepancies
from adjustments.reconciliation.models import Answer, Discrepancy, Kind, Reconciliation
from audit import inspection
from audit.log import Actor, record
from audit.models import Entry
from audit.verification import Fault, Verdict

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = ("adjustment", "adjustmentline", "decision", "revision", "contributor", "preview")


@pytest.fixture
def tamper(db):
    """Runs a statement as the owner, all triggers of the requests' tables off, and puts the triggers back."""

    def tamper(statement, *parameters):
        with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
            cursor.execute("create temp table firing on commit drop as " + FIRING, [list(map(_table, TABLES))])
            cursor.execute(OFF)
            cursor.execute(statement, parameters)
            cursor.execute(BACK)

    return tamper


FIRING = """
select tgrelid::regclass::text as of, tgname as name,
    case tgenabled when 'A' then 'enable always' else 'enable' end as firing
from pg_trigger
where tgrelid::regclass::text = any(%s) and tgenabled in ('A', 'O') and not tgisinternal
"""
OFF = """
do $$ declare t record; begin
    for t in select distinct of from firing loop execute format('alter table %s disable trigger user', t.of); end loop;
    set constraints all immediate;
end $$
"""
BACK = """
do $$ declare t record; begin
    for t in select * from firing loop
        execute format('alter table %s %s trigger %I', t.of, t.firing, t.name);
    end loop;
end $$
"""


def _table(name):
    return f"adjustments_{name}"


def found():
    return {(one.what, one.position) for one in discrepancies() if one.certain}


def position(action):
    return Entry.objects.filter(action_type=f"adjustment_{action}").order_by("-position")[0].position


def forge(action, outcome="done", target_id="", **metadata):
    """What the site's role can still do: append an entry of its own making."""
    about = {"action_type": f"adjustment_{action}", "target_type": "adjustment", "target_id": target_id}
    with transaction.atomic():
        return record(actor=Actor("person:1", "x"), outcome=outcome, metadata=metadata, **about)


def test_an_honest_request_tells_the_same_everywhere(applied):
    assert found() == set()


def test_one_that_is_edited_rejected_refused_or_needs_attention_does_too(
    needing_attention, edit, requests, second_approver, now
):
    one, other = requests(900, 901)
    edit(one, second_approver)
    workflow.withdraw(adjustment=other, person=other.proposed_by, reason="Not needed.", now=now)

    assert found() == set()


@pytest.mark.parametrize(
    ("change", "what", "action"),
    [
        ("update adjustments_adjustment set amount = amount + 1", "request_differs", "applied"),
        ("update adjustments_adjustment set state = 'approved', applied_at = null", "request_differs", "applied"),
        ("update adjustments_adjustment set content = content || ' '", "content_differs", None),
        ("update adjustments_adjustment set proposed_by_id = (select max(id) from accounts_person)",
         "proposer_differs", "proposed"),
        ("update adjustments_revision set content_hash = repeat('0', 64)", "revision_differs", "proposed"),
        ("delete from adjustments_revision", "entry_without_revision", "proposed"),
        ("delete from adjustments_decision", "entry_without_decision", "approval_given"),
        ("update adjustments_decision set person_id = (select proposed_by_id from adjustments_adjustment)",
         "decision_differs", "approval_given"),
        ("update adjustments_decision set content_hash = repeat('0', 64)", "decision_differs", "approval_given"),
        ("update adjustments_decision set verdict = 'reject', reason = 'x'", "decision_differs", "approval_given"),
        ("delete from adjustments_adjustmentline", "entry_without_line", "line_posted"),
        ("update adjustments_adjustmentline set amount = amount + 1", "line_differs", "line_posted"),
        ("update adjustments_adjustmentline set key = gen_random_uuid()", "entry_without_line", "line_posted"),
        ("update adjustments_adjustmentline set receipt = '{\"payment\": 999}'", "line_differs", "line_posted"),
        ("update adjustments_adjustmentline set outcome = 'waiting', receipt = null, posted_at = null",
         "line_differs", "line_posted"),
        ("update adjustments_adjustmentline set customer = 'Somebody'", "line_not_as_signed", None),
    ],
)  # fmt: skip
def test_a_row_that_its_owner_changes_is_named_with_its_entry(applied, tamper, admin, change, what, action):
    tamper(change)

    assert (what, position(action) if action else None) in found()


def test_a_decision_that_an_owner_slips_in_has_no_entry(pending, approver, tamper):
    tamper(
        "insert into adjustments_decision"
        " (adjustment_id, revision, attempt, person_id, verdict, content_hash, reason, at)"
        " values (%s, 1, 0, %s, 'approve', %s, '', now())",
        pending.pk, approver.pk, pending.content_hash,
    )  # fmt: skip

    assert ("decision_without_entry", None) in found()


def test_a_request_that_an_owner_slips_in_has_no_entry(pending, tamper):
    tamper(
        "insert into adjustments_adjustment select (jsonb_populate_record(a, jsonb_build_object("
        "'id', gen_random_uuid(), 'number', 999))).* from adjustments_adjustment a"
    )

    assert ("request_without_entry", None) in found()


def test_a_line_that_an_owner_posts_has_no_entry(approved, tamper):
    tamper("update adjustments_adjustmentline set outcome = 'posted', receipt = '{}', posted_at = now()")

    assert ("line_without_entry", None) in found()


def test_an_entry_that_somebody_makes_up_has_no_row(approved):
    pk = str(approved.pk)
    moved = {"before": {"state": "approved", "revision": 1}, "after": {"state": "applied", "revision": 1}}

    assert ("entry_without_request", forge("proposed", target_id="nobody")) in found()
    assert ("request_differs", forge("applied", target_id=pk, **moved)) in found()
    assert ("move_out_of_turn", forge("approved", target_id=pk, **moved)) in found()
    assert ("entry_without_decision", forge("approval_given", target_id=pk, decision=999)) in found()
    assert ("entry_without_line", forge("line_posted", target_id=pk, key="x", outcome="posted")) in found()


def test_the_entry_of_a_decision_told_twice_is_one_too_many(approved):
    first = Entry.objects.get(action_type="adjustment_approval_given")
    with transaction.atomic():
        again = record(
            actor=Actor(first.actor_id, first.actor), action_type=first.action_type, target_type=first.target_type,
            target_id=first.target_id, metadata=first.metadata,
        )  # fmt: skip

    assert ("entry_without_decision", again) in found()


def test_an_attempt_that_was_refused_is_no_entry_of_a_row(pending):
    forge("decision", outcome="refused", target_id=str(pending.pk))
    forge("approved", outcome="refused", target_id=str(pending.pk))

    assert found() == set()


def test_verify_audit_is_broken_at_the_first_bad_entry(applied, tamper):
    tamper("update adjustments_adjustmentline set amount = amount + 1")

    finding = inspection.examine(timezone.now())

    assert (finding.verdict, finding.fault) == (Verdict.BROKEN, Fault.UNMATCHED)
    assert finding.position == position("line_posted")
    assert "line differs: adjustment" in finding.why


# The ledger ----------------------------------------------------------------------------------------------------------


def compared(system="paperclips", at=None, answer=Answer.DONE, why=""):
    at = at or timezone.now()
    return Reconciliation.objects.create(system=system, started_at=at, finished_at=at, answer=answer, why=why)


def disagreement(adjustment, kind):
    now, line = timezone.now(), adjustment.current_lines()[0]
    of = {"system": adjustment.system, "adjustment": adjustment, "key": line.key, "kind": kind}
    return Discrepancy.objects.create(**of, first_seen_at=now, last_seen_at=now)


def test_a_ledger_that_was_never_asked_cannot_be_told_of(applied):
    finding = inspection.examine(timezone.now())

    assert finding.verdict == Verdict.CANNOT_TELL
    assert "ledger never asked: paperclips" in finding.why


def test_a_ledger_that_was_asked_lately_is_told_of(applied):
    compared()

    assert inspection.examine(timezone.now()).verdict == Verdict.INTACT


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"answer": Answer.CANNOT_TELL, "why": "The writer cannot be reached."}, "ledger not comparable"),
        ({"at": timezone.now() - timedelta(days=3)}, "ledger not asked of late"),
    ],
)
def test_a_ledger_that_gave_no_answer_of_late_cannot_be_told_of(applied, said, told):
    compared(**said)

    finding = inspection.examine(timezone.now())

    assert (finding.verdict, told in finding.why) == (Verdict.CANNOT_TELL, True)


@pytest.mark.parametrize(
    ("kind", "verdict"), [(Kind.ROW_DIFFERS, Verdict.BROKEN), (Kind.NOT_NOTED, Verdict.CANNOT_TELL)]
)
def test_what_the_ledger_says_otherwise_is_told(applied, kind, verdict):
    compared()
    disagreement(applied, kind)

    finding = inspection.examine(timezone.now())

    assert finding.verdict == verdict
    assert kind.replace("_", " ") in finding.why


def test_what_cannot_be_compared_is_said_and_hides_nothing_else(applied, tamper):
    compared()
    tamper("update adjustments_revision set content = 'no JSON'")

    finding = inspection.examine(timezone.now())

    assert finding.verdict == Verdict.BROKEN
    assert any(one.what == "not_comparable" for one in discrepancies())
