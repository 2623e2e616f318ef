"""What a timeline shows of rows that are there."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections

from systems.base import Personal, Unrecognised
from systems.imagegen import timeline
from systems.imagegen.factories import (
    MOMENT,
    SOMEONE_ELSE,
    USER,
    AllocationFactory,
    AuditFactory,
    BatchFactory,
    ConsumptionFactory,
    CreditsFactory,
    ExpirationFactory,
    ImageFactory,
    JobFactory,
    RefundFactory,
    TransactionFactory,
)

pytestmark = pytest.mark.django_db


def titles(events, kind):
    return [str(event.title) for event in events if event.kind == kind and not event.ghost]


def only(events, kind):
    (event,) = [event for event in events if event.kind == kind and not event.ghost]
    return event


def marks(event):
    return " ".join(str(mark) for mark in event.marks)


def test_a_job_is_created_started_and_completed(source):
    job = JobFactory(succeeded=True, created_at=MOMENT - timedelta(seconds=40))

    steps = [event for event in timeline.of_job(source, str(job.id)) if event.kind == "job"]

    assert [str(step.title) for step in steps] == ["Job created", "Try 1 started", "Job succeeded"]
    assert [step.at for step in steps] == [job.created_at, MOMENT, MOMENT]
    assert all(event.at is None or event.at.utcoffset() == timedelta(0) for event in steps)


def test_a_retry_shows_how_often_it_failed_and_that_nobody_stored_when(source):
    job = JobFactory(succeeded=True, attempts=2)

    steps = [event for event in timeline.of_job(source, str(job.id)) if event.kind == "job"]

    assert (str(steps[0].title), steps[0].at, marks(steps[0])) == (
        "2 earlier tries failed",
        None,
        "when is not stored",
    )
    assert "Try 3 started" in [str(step.title) for step in steps]


def test_a_job_back_in_the_queue_shows_the_error_that_sent_it_there(source):
    job = JobFactory(queued_again=True, updated_at=MOMENT + timedelta(seconds=50))

    back = timeline.of_job(source, str(job.id))[-1]

    assert (str(back.title), back.at) == ("Back in the queue", job.updated_at)
    assert "The model is overloaded" in back.details.values()


def test_a_job_given_up_after_three_tries_had_two_before_the_last(source):
    job = JobFactory(failed=True)

    assert titles(timeline.of_job(source, str(job.id)), "job") == [
        "2 earlier tries failed",
        "Job created",
        "Try 3 started",
        "Job failed for good",
    ]


def test_a_later_change_of_the_row_is_shown_without_guessing_what_it_was(source):
    job = JobFactory(failed=True, updated_at=MOMENT + timedelta(days=2))

    assert titles(timeline.of_job(source, str(job.id)), "job")[-1] == "Row changed; what changed is not stored"


def test_an_unknown_status_type_and_purse_are_shown_as_themselves(source, cursor):
    cursor.execute("alter table public.image_jobs drop constraint image_jobs_status_check")
    cursor.execute("alter table public.credit_transactions drop constraint credit_transactions_transaction_type_check")
    cursor.execute(
        "alter table public.generation_percoin_allocations"
        " drop constraint generation_percoin_allocations_allocation_kind_check"
    )
    job = JobFactory(status="paused", completed_at=MOMENT, generation_type="plush")
    TransactionFactory(job=job, transaction_type="gift", amount=1)
    AllocationFactory(job_id=job.id, allocation_kind="gift_card")

    shown = [value for event in timeline.of_job(source, str(job.id)) for value in event.details.values()]

    for unknown in ("paused", "plush", "gift", "gift_card"):
        assert Unrecognised(unknown) in shown


def test_prompts_are_personal_wherever_they_stand(source):
    job = JobFactory(succeeded=True, prompted=True)
    ImageFactory(image_job_id=job.id, prompt="浴衣と花火")

    shown = [value for event in timeline.of_job(source, str(job.id)) for value in event.details.values()]

    assert Personal(job.prompt_text) in shown
    assert Personal("浴衣と花火") in shown
    assert not {job.prompt_text, "浴衣と花火"} & {value for value in shown if isinstance(value, str)}


def test_an_image_is_linked_never_embedded_and_its_path_is_text(source):
    job = JobFactory(succeeded=True)
    image = ImageFactory(image_job_id=job.id)

    event = only(timeline.of_job(source, str(job.id)), "image")

    assert [link.url for link in event.links] == [f"/subjects/imagegen/image/{image.id}/", image.image_url]
    assert image.storage_path in event.details.values()


@pytest.mark.parametrize(
    "url", ["http://images.example/1.png", "javascript:alert(1)", "data:image/png,x", "", "https://["]
)
def test_only_an_https_address_becomes_a_link(source, url):
    job = JobFactory(succeeded=True)
    ImageFactory(image_job_id=job.id, image_url=url)

    event = only(timeline.of_job(source, str(job.id)), "image")

    assert [link.url for link in event.links if not link.url.startswith("/subjects/")] == []
    assert url in event.details.values()


def test_an_image_that_only_the_charge_names_is_shown_and_marked(source):
    job = JobFactory(succeeded=True)
    ConsumptionFactory(job=job, related_generation_id=ImageFactory().id)

    assert marks(only(timeline.of_job(source, str(job.id)), "image")) == "names no job"


@pytest.mark.parametrize(
    ("trait", "mark"),
    [
        ("somebody_elses", "another user's row: the source does not count it for this job"),
        ("capitals", "job_id is in capitals: the unique indexes take it for another id"),
        ("dateless", "has no date"),
    ],
)
def test_an_odd_ledger_row_is_shown_and_marked(source, trait, mark):
    job = JobFactory(succeeded=True)
    ConsumptionFactory(job=job, **{trait: True})

    event = only(timeline.of_job(source, str(job.id)), "ledger")

    assert marks(event) == mark
    assert (event.amount, event.unit) == (-20, "credits")


def test_a_charge_without_metadata_says_that_it_names_no_job_a_bonus_need_not(source):
    charge = ConsumptionFactory(without_metadata=True)
    bonus = TransactionFactory(transaction_type="daily_post", amount=5)

    assert marks(only(timeline.of_transaction(source, str(charge.id)), "ledger")).endswith("names no job")
    assert marks(only(timeline.of_transaction(source, str(bonus.id)), "ledger")) == ""


def test_a_padded_job_id_is_shown_as_it_is_written(source):
    job = JobFactory(succeeded=True)
    ConsumptionFactory(job=job, padded=True)

    event = only(timeline.of_job(source, str(job.id)), "ledger")

    assert marks(event) == f"job_id is written “ {job.id} ”: the source reads it as no job"


def test_a_row_without_a_date_comes_first(source):
    job = JobFactory(succeeded=True)
    ConsumptionFactory(job=job, dateless=True)

    assert timeline.of_job(source, str(job.id))[0].at is None


def test_the_other_users_row_names_its_user(source):
    job = JobFactory(succeeded=True)
    ConsumptionFactory(job=job, somebody_elses=True)

    assert str(SOMEONE_ELSE) in only(timeline.of_job(source, str(job.id)), "ledger").details.values()


def test_what_a_purse_paid_and_got_back_stands_twice(source):
    job = JobFactory(failed=True)
    charge, refund = ConsumptionFactory(job=job), RefundFactory(job=job)
    AllocationFactory(
        job_id=job.id,
        consumption_transaction_id=charge.id,
        refund_transaction_id=refund.id,
        restored_at=MOMENT + timedelta(seconds=1),
    )

    moved = [event.amount for event in timeline.of_job(source, str(job.id)) if event.kind == "allocation"]

    assert moved == [-20, 20]


def test_the_sources_own_audit_rows_are_found_by_job_transaction_and_sample(source):
    job = JobFactory(failed=True)
    charge = ConsumptionFactory(job=job)
    AuditFactory(action_type="by_job", metadata={"job_id": str(job.id), "tx_id": "x", "reason": "y"})
    AuditFactory(action_type="by_transaction", target_id=str(charge.id))
    AuditFactory(action_type="by_sample", metadata={"count": 1, "sample": [{"job_id": str(job.id)}]})
    AuditFactory(action_type="another", metadata={"sample": [{"job_id": str(uuid4())}]})

    assert sorted(titles(timeline.of_job(source, str(job.id)), "audit")) == ["by_job", "by_sample", "by_transaction"]


def test_a_manual_audit_row_that_names_no_job_says_so(source):
    job = JobFactory(failed=True)
    AuditFactory(admin_user_id=uuid4(), metadata={"job_id": str(job.id), "amount": 20, "reason": "sorry"})

    assert marks(only(timeline.of_job(source, str(job.id)), "audit")) == "names no tx_id"


def test_names_and_e_mail_addresses_are_personal_wherever_an_admin_wrote_them(source):
    job = JobFactory(failed=True)
    told = {
        "job_id": str(job.id),
        "user_email": "hanako.sato@example.jp",
        "before": {"mail": "taro@example.jp"},
        "user_name": "佐藤 花子",
    }
    AuditFactory(metadata=told | {"tx_id": "x", "reason": "佐藤様 hanako.sato@example.jp より連絡"})

    details = only(timeline.of_job(source, str(job.id)), "audit").details

    assert details["user_email"] == Personal("hanako.sato@example.jp")
    assert details["reason"] == Personal("佐藤様 hanako.sato@example.jp より連絡")
    assert details["before"] == Personal('{"mail": "taro@example.jp"}')
    assert details["user_name"] == Personal("佐藤 花子")
    assert details["tx_id"] == "x"


def test_a_ledger_rows_timeline_is_its_jobs(source):
    job = JobFactory(succeeded=True)
    charge = ConsumptionFactory(job=job)

    assert timeline.of_transaction(source, str(charge.id)) == timeline.of_job(source, str(job.id))


@pytest.mark.parametrize("trait", ["empty", "numeric", "null", "without_metadata"])
def test_a_ledger_row_without_a_job_has_a_timeline_of_its_own(source, trait):
    image = ImageFactory()
    charge = ConsumptionFactory(job=JobFactory(), related_generation_id=image.id, **{trait: True})
    BatchFactory(credit_transaction_id=charge.id)

    events = timeline.of_transaction(source, str(charge.id))

    assert sorted(event.kind for event in events) == ["allocation", "image", "ledger"]


def test_an_images_timeline_is_its_jobs_also_through_the_ledger(source):
    job = JobFactory(succeeded=True)
    direct, through_charge, nobodys = ImageFactory(image_job_id=job.id), ImageFactory(), ImageFactory()
    ConsumptionFactory(job=job, related_generation_id=through_charge.id)

    for image in (direct, through_charge):
        assert timeline.of_image(source, str(image.id)) == timeline.of_job(source, str(job.id))
    assert [event.kind for event in timeline.of_image(source, str(nobodys.id))] == ["image"]


def test_a_users_timeline_has_ledger_jobs_batches_and_expiries(source):
    job = JobFactory(succeeded=True)
    ConsumptionFactory(job=job)
    BatchFactory(credit_transaction_id=TransactionFactory(transaction_type="signup_bonus", amount=100).id)
    ExpirationFactory()
    AuditFactory(target_id=str(USER))
    CreditsFactory(free=100)

    events = timeline.of_user(source, str(USER))

    assert sorted(event.kind for event in events) == ["allocation", "allocation", "audit", "job", "ledger", "ledger"]


@pytest.mark.parametrize("of", [timeline.of_job, timeline.of_transaction, timeline.of_image, timeline.of_user])
def test_nothing_is_known_of_an_id_that_nobody_has(source, of):
    assert of(source, str(uuid4())) == []


def test_the_writer_sees_what_the_reader_reads(source):
    """The tests' two aliases are one connection; otherwise none of the above would see a row."""
    assert connections["imagegen"] is connections["imagegen_writer"]


@pytest.mark.parametrize("write", [" {} ", "{}\n", "\t{}", '"{}"', "urn:uuid:{}", " {}"])
def test_usual_mistakes_in_spelling_are_found_again(source, write):
    job = JobFactory(succeeded=True)
    row = TransactionFactory(metadata={"job_id": write.format(str(job.id).upper())})

    assert str(row.id) in only(timeline.of_job(source, str(job.id)), "ledger").details.values()
