"""The story goes on, minute by minute."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from systems.imagegen.demo import build, tick
from systems.imagegen.models import CreditTransaction, GeneratedImage, ImageJob, PercoinAllocation, UserCredits
from systems.imagegen.story import history
from systems.imagegen.story.history import tell
from systems.imagegen.story.minutes import GOES_WRONG_EVERY

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SEED = 7
IDENTITY = """
    select count(*) from public.user_credits as u
    where balance <> paid_balance + (
            select coalesce(sum(remaining_amount), 0) from public.free_percoin_batches as b where b.user_id = u.user_id)
        or balance <> (
            select coalesce(sum(amount), 0) from public.credit_transactions as c where c.user_id = u.user_id)
        - (select coalesce(sum(amount_expired), 0) from public.free_percoin_expiration_log as e
           where e.user_id = u.user_id)"""


@pytest.fixture(autouse=True)
def short_history(monkeypatch):
    """A short one is as good for going on, and quicker."""
    monkeypatch.setattr(history, "JOBS", 400)


@pytest.fixture
def built(cursor):
    build(cursor, NOW, SEED)
    return cursor


def out_of_step(cursor):
    cursor.execute(IDENTITY)
    return cursor.fetchone()[0]


def everything(cursor):
    found = {}
    for table in ("image_jobs", "generated_images", "credit_transactions", "user_credits", "free_percoin_batches"):
        cursor.execute(f"select * from public.{table} order by id")
        found[table] = cursor.fetchall()
    return found


def go_on(cursor, since, until, step):
    while since < until:
        since += step
        tick(cursor, since)


def test_an_empty_source_stays_empty(cursor):
    tick(cursor, NOW)

    assert not ImageJob.objects.exists()


def test_new_jobs_come_and_the_newest_is_recent(built):
    go_on(built, NOW, NOW + timedelta(hours=3), timedelta(minutes=10))

    newest = ImageJob.objects.latest("created_at").created_at
    assert ImageJob.objects.filter(created_at__gt=NOW).count() > 10
    assert NOW + timedelta(hours=2) < newest <= NOW + timedelta(hours=3)


def test_the_balances_stay_right(built):
    before = out_of_step(built)

    go_on(built, NOW, NOW + timedelta(hours=8), timedelta(minutes=47))

    assert CreditTransaction.objects.filter(created_at__gt=NOW).count() > 40
    assert out_of_step(built) == before


def test_what_was_at_work_ends_with_its_image_or_its_refund(built):
    go_on(built, NOW, NOW + timedelta(hours=2), timedelta(minutes=1))

    recent = ImageJob.objects.filter(created_at__gt=NOW)
    stuck = recent.filter(status__in=["queued", "processing"], created_at__lt=NOW + timedelta(minutes=110))
    done = recent.filter(status="succeeded").exclude(generation_type="one_tap_style")
    assert done.count() > 20
    assert not stuck.exists()
    for job in done:
        charge = CreditTransaction.objects.get(metadata__job_id=str(job.id), transaction_type="consumption")
        image = GeneratedImage.objects.get(pk=charge.related_generation_id)
        assert (image.image_job_id, charge.user_id) == (job.id, job.user_id)
    for refund in CreditTransaction.objects.filter(created_at__gt=NOW, metadata__refund_mode="allocations"):
        rows = PercoinAllocation.objects.filter(refund_transaction_id=refund.id)
        assert sum(row.amount for row in rows) == refund.amount


def test_the_same_minutes_tell_the_same(built):
    from django.db import transaction

    told = []
    for _ in range(2):
        with transaction.atomic(using="imagegen_writer"):
            go_on(built, NOW, NOW + timedelta(hours=2), timedelta(minutes=20))
            told.append(everything(built))
            transaction.set_rollback(True, using="imagegen_writer")

    assert told[0] == told[1]


def test_asking_twice_in_one_minute_tells_nothing_twice(built):
    tick(built, NOW + timedelta(hours=1))
    before = everything(built)

    tick(built, NOW + timedelta(hours=1))

    assert everything(built) == before


def test_after_a_long_silence_only_the_last_days_are_told(built):
    tick(built, NOW + timedelta(days=30))

    missed = ImageJob.objects.filter(created_at__gt=NOW, created_at__lt=NOW + timedelta(days=26))
    assert not missed.exists()
    assert ImageJob.objects.filter(created_at__gt=NOW + timedelta(days=27)).exists()


def test_something_goes_wrong_now_and_then(built):
    go_on(built, NOW, NOW + timedelta(minutes=2 * GOES_WRONG_EVERY), timedelta(hours=1))

    new = CreditTransaction.objects.filter(created_at__gt=NOW)
    charged = new.filter(transaction_type="consumption").values_list("metadata__job_id", flat=True)
    refunded = set(new.filter(transaction_type="refund").values_list("metadata__job_id", flat=True))
    status = dict(ImageJob.objects.filter(pk__in=list(charged)).values_list("pk", "status"))
    ends = [(status.get(UUID(job)), job in refunded) for job in charged]
    # Never refunded, refunded and succeeded, deleted under its charge; or refunded another amount than was charged.
    wrong = [end for end in ends if end in {("failed", False), ("succeeded", True), (None, False)}]
    assert len(wrong) + new.filter(metadata__refund_mode="legacy_fallback").count() == 2


def test_the_monthly_expiry_comes_on_the_first(cursor):
    evening_before = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
    build(cursor, evening_before, SEED)
    cursor.execute(
        "update public.free_percoin_batches set expire_at = %s where source = 'signup_bonus'", [evening_before]
    )
    balance = sum(UserCredits.objects.values_list("balance", flat=True))
    before = out_of_step(cursor)

    tick(cursor, evening_before + timedelta(hours=1, minutes=4))
    cursor.execute("select count(*) from public.free_percoin_expiration_log where processed_at > %s", [evening_before])
    assert cursor.fetchone()[0] == 0
    tick(cursor, evening_before + timedelta(hours=1, minutes=6))

    cursor.execute(
        "select sum(amount_expired) from public.free_percoin_expiration_log where processed_at > %s", [evening_before]
    )
    assert cursor.fetchone()[0] > 0
    assert sum(UserCredits.objects.values_list("balance", flat=True)) < balance
    assert out_of_step(cursor) == before


def test_the_story_is_short_here(built):
    assert len(tell(SEED, NOW).tables.rows["image_jobs"]) < 600
