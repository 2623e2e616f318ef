"""Seven ways to break the audit log: money stands still under each, it is said why, and it moves again afterwards."""

from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connections, transaction
from django.utils import timezone

from adjustments import applying, ledger
from adjustments.durability import recordable
from adjustments.states import State
from audit import anchors, readiness
from health.probing import Clock
from proofs.crashing import dues, stage
from systems.base import Level

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "fail closed"
APPEND = "public.admin_audit_log_append(text, text, text, text, text, text, text, text, text, text, text, jsonb)"
SITE = "billingadmin_site"


@pytest.fixture
def anchored(settings, tmp_path, approver):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors" / "heads.jsonl")
    anchors.write(timezone.now())


def owner(*statements):
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def grant_revoked(now):
    owner(f"revoke execute on function {APPEND} from {SITE}")
    yield now
    owner(f"grant execute on function {APPEND} to {SITE}")


@contextmanager
def trigger_that_fails(now):
    owner(
        "create function public.broken() returns trigger language plpgsql as"
        " $$ begin raise exception 'the trigger is broken'; end $$",
        "create trigger broken before insert on admin_audit_log for each row execute function public.broken()",
    )
    yield now
    owner("drop trigger broken on admin_audit_log", "drop function public.broken()")


@contextmanager
def function_missing(now):
    owner(f"alter function {APPEND} rename to admin_audit_log_append_away")
    yield now
    owner(f"alter function {APPEND.replace('_append', '_append_away')} rename to admin_audit_log_append")


@contextmanager
def lock_held(now):
    """By somebody who does not let go: longer than anybody waits for it, which is made short here."""
    owner(f"alter function {APPEND} set lock_timeout = '100ms'")
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('admin_audit_log', 0))")
        yield now
    owner(f"alter function {APPEND} set lock_timeout = '5s'")


@contextmanager
def head_rewritten(now):
    """Text and hash of the last entry made to agree again, as an owner can: only the anchor tells."""
    away = "alter table admin_audit_log disable trigger admin_audit_log_no_change"
    back = "alter table admin_audit_log enable always trigger admin_audit_log_no_change"
    last = "where position = (select max(position) from admin_audit_log)"
    resealed = (
        "update admin_audit_log e set reason = told, canonical = text,"
        " hash = admin_audit_log_hash(position, previous_hash, text)"
        " from (select position as place, told, admin_audit_log_canonical(at, actor_id, actor, action_type,"
        " target_type, target_id, outcome, told, job_id, tx_id, system, correlation_id, metadata) as text"
        f" from admin_audit_log, (values ('{{}}')) as one (told) {last}) as new where e.position = new.place"
    )
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"select reason from admin_audit_log {last}")
        [before] = cursor.fetchone()
    anchors.write(now)
    owner(away, resealed.format("It was quite different."), back)
    yield now
    owner(away, resealed.format(before.replace("'", "''")), back)


@contextmanager
def anchors_unwritable(now):
    """A folder where the file should be: the disk is gone, or the right to it."""
    file = Path(anchors.path())
    file.rename(file.with_suffix(".away"))
    file.mkdir()
    yield now
    file.rmdir()
    file.with_suffix(".away").rename(file)


@contextmanager
def anchors_old(now):
    """Nothing was noted outside for as long as is allowed: the disk is full, or nobody does it."""
    yield now + readiness.ANCHORED_WITHIN


BREAKAGES = (
    (grant_revoked, "permission denied"),
    (trigger_that_fails, "the trigger is broken"),
    (function_missing, "does not exist"),
    (lock_held, "lock timeout"),
    (head_rewritten, "contradicts its anchor"),
    (anchors_unwritable, "anchors of the audit log cannot be read"),
    (anchors_old, "must not be older than 30 minutes"),
)


def moved(play):
    return sum(
        len(stage.ask(f"{slug}_writer", dues.SQL, table)) for slug in stage.LEDGERS for table in ("ledger", "keys")
    )


def prove(play, breakage, why):
    """One request of each ledger, asked for under the breakage and again when it is mended."""
    requests = [play.approve(play.proposed(slug, lines=2)) for slug in stage.LEDGERS]
    before = moved(play)
    with breakage(timezone.now()) as now:
        seen = recordable(Clock(now))
        for adjustment in requests:
            drive(adjustment, now)
    during = moved(play) - before
    assert not during, f"{during} rows were written while the audit log was broken"
    assert seen.level == Level.CRITICAL
    assert why in str(seen.why)
    for adjustment in requests:
        adjustment.refresh_from_db()
        assert adjustment.state == State.APPROVED
        assert why in adjustment.obstacle
        drive(adjustment, timezone.now())
        adjustment.refresh_from_db()
        assert adjustment.state == State.APPLIED


def drive(adjustment, now):
    try:
        applying.drive(adjustment.pk, now=now)
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


@pytest.mark.proof(NAME)
def test_what_cannot_be_recorded_is_not_done(play, anchored, figure):
    for breakage, why in BREAKAGES:
        prove(play, breakage, why)

    figure(f"{len(BREAKAGES)} breakages of the audit log, on both ledgers: 0 money moved, each said why, all finished")


@pytest.mark.sensitivity(NAME)
def test_a_log_that_is_not_asked_first_would_be_caught(play, anchored, planted, caught):
    planted.function(ledger.readiness, "why_not", lambda now: "")

    with caught("the ledger is written before anybody asks", "rows were written while the audit log was broken"):
        prove(play, *BREAKAGES[0])


@pytest.mark.sensitivity(NAME)
def test_a_swallowed_audit_error_would_be_caught(play, anchored, planted, caught):
    def swallowed(**told):
        return 0

    planted.function(readiness, "record", swallowed)

    with caught("an audit error is swallowed", "rows were written while the audit log was broken"):
        prove(play, *BREAKAGES[0])
