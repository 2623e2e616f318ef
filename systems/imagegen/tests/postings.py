"""What the tests of all corrections do: draft, post, and look at what moved."""

from uuid import UUID

from django.db import connections, transaction

from systems.base import Posting
from systems.imagegen import postings
from systems.imagegen.models import AdminAuditLog, CreditTransaction, FreePercoinBatch, UserCredits
from systems.imagegen.system import SYSTEM
from systems.imagegen.tests.conftest import NOW

POSTING = Posting(
    key=UUID("0a0a0a0a-0000-4000-8000-000000000001"),
    reason="The worker died before the refund.",
    proposer="Mai",
    approvers=("Ken", "Rin"),
    correlation_id="run-7",
    now=NOW,
)


def keyed(number):
    return Posting(**{**vars(POSTING), "key": UUID(f"0a0a0a0a-0000-4000-8000-{number:012d}")})


def draft(source, code, job):
    return list(SYSTEM.correction(code).draft(source, str(job.id)))


def evidence(code, line, lock=False):
    with connections["imagegen_writer"].cursor() as cursor:
        return SYSTEM.correction(code).evidence(cursor, line, lock)


def post(code, line, posting=POSTING):
    with transaction.atomic(using="imagegen_writer"), connections["imagegen_writer"].cursor() as cursor:
        return SYSTEM.correction(code).post(cursor, line, posting)


def effects(line):
    with connections["imagegen_writer"].cursor() as cursor:
        return [value for value, unit in postings.effects(cursor, line).values()]


def purses(user_id):
    """Balance, paid, and what the batches hold: (remaining, expiry) in the order of their expiry."""
    credits = UserCredits.objects.get(user_id=user_id)
    batches = FreePercoinBatch.objects.filter(user_id=user_id).order_by("expire_at")
    return credits.balance, credits.paid_balance, [(batch.remaining_amount, batch.expire_at) for batch in batches]


def adds_up(user_id):
    balance, paid, batches = purses(user_id)
    return balance == paid + sum(remaining for remaining, _ in batches)


def everything():
    """How many rows there are of all that a posting may write, and what the balances are."""
    return (
        CreditTransaction.objects.count(),
        AdminAuditLog.objects.count(),
        sorted(FreePercoinBatch.objects.values_list("id", "remaining_amount")),
        sorted(UserCredits.objects.values_list("user_id", "balance", "paid_balance")),
    )


def let_audit_fail():
    """The last write of every posting is refused by the database."""
    with connections["imagegen_writer"].cursor() as cursor:
        cursor.execute("alter table public.admin_audit_log add constraint nothing_more check (false) not valid")
