from uuid import uuid4

import pytest

from systems.base import Personal, Unrecognised
from systems.imagegen.factories import (
    USER,
    BatchFactory,
    ConsumptionFactory,
    CreditsFactory,
    ImageFactory,
    JobFactory,
    RefundFactory,
    TransactionFactory,
)
from systems.imagegen.models import ImageJob
from systems.imagegen.system import SYSTEM
from systems.imagegen.vocabulary import names_a_job

pytestmark = pytest.mark.django_db

ID = "9b2e4f60-3c1d-4e5f-8a7b-0123456789ab"
KINDS = [kind.slug for kind in SYSTEM.subjects]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("copied", [ID, ID.upper(), f"  {ID}\n", f"{{{ID}}}", f"urn:uuid:{ID}", ID.replace("-", "")])
def test_an_id_is_recognised_however_it_was_copied(kind, copied):
    assert SYSTEM.subject_kind(kind).recognise(copied) == ID


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nonsense", ["", " ", "4711", "job", ID[:-1], ID + "0", "\x00", "pi_", "x" * 10_000])
def test_what_cannot_be_an_id_is_not_recognised(kind, nonsense):
    assert SYSTEM.subject_kind(kind).recognise(nonsense) is None


def test_a_stripe_id_names_a_ledger_row(source):
    row = TransactionFactory(transaction_type="purchase", amount=500, stripe_payment_intent_id="pi_0123456789")
    kind = SYSTEM.subject_kind("transaction")

    (match,) = kind.find(source, kind.recognise(" pi_0123456789 "))

    assert (match.id, match.label) == (str(row.id), "Purchase, +500 credits")
    assert kind.describe(source, "pi_0123456789")["Stripe id"] == "pi_0123456789"
    assert kind.timeline(source, "pi_0123456789")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_found_or_said_of_an_id_that_nobody_has(source, kind):
    offered, stranger = SYSTEM.subject_kind(kind), str(uuid4())

    assert list(offered.find(source, stranger)) == []
    assert dict(offered.describe(source, stranger)) == {}
    assert list(offered.timeline(source, stranger)) == []


def test_a_job_is_found_and_described_with_its_prompt_masked(source):
    job = JobFactory(failed=True, prompted=True, generation_type="plush")
    kind = SYSTEM.subject_kind("job")

    assert [match.label for match in kind.find(source, str(job.id))] == ["Job, failed"]
    shown = kind.describe(source, str(job.id))
    assert (shown["Prompt"], shown["Type"], shown["Failed tries"]) == (
        Personal(job.prompt_text),
        Unrecognised("plush"),
        3,
    )


def test_a_job_that_is_gone_is_found_by_the_ledger_rows_that_name_it(source):
    job = JobFactory(succeeded=True)
    ConsumptionFactory(job=job, capitals=True)
    ImageJob.objects.using("imagegen_writer").filter(pk=job.pk).delete()

    (match,) = SYSTEM.subject_kind("job").find(source, str(job.id))

    assert match.label == "A job that is gone; ledger rows name it"


def test_an_image_is_described_without_its_address(source):
    image = ImageFactory(prompt="浴衣と花火")

    shown = SYSTEM.subject_kind("image").describe(source, str(image.id))

    assert shown["Prompt"] == Personal("浴衣と花火")
    assert image.image_url not in shown.values()


def test_a_user_is_described_purse_by_purse(source):
    CreditsFactory(paid_balance=30, free=100)
    BatchFactory(remaining_amount=60)
    BatchFactory(for_ever=True, remaining_amount=40)
    TransactionFactory(transaction_type="purchase", amount=130)

    shown = SYSTEM.subject_kind("user").describe(source, str(USER))

    assert list(shown.values()) == [130, 30, 60, 40, True, 130]


@pytest.mark.parametrize("factory", [ConsumptionFactory, RefundFactory])
def test_a_user_without_a_balance_is_known_by_a_ledger_row(source, factory):
    factory(job=JobFactory())
    kind = SYSTEM.subject_kind("user")

    assert [match.id for match in kind.find(source, str(USER))] == [str(USER)]
    assert dict(kind.describe(source, str(USER))) == {"Balance": "no balance row"}


@pytest.mark.parametrize(
    ("text", "does"),
    [
        (ID, True),
        (ID.upper(), True),
        (f" {ID}", False),
        ("", False),
        (None, False),
        (4711, False),
        ("019aa000-0000-7000-8000-000000000000", False),  # version 7
        ("9b2e4f60-3c1d-4e5f-ca7b-0123456789ab", False),  # another variant
        (f"{{{ID[1:-1]}}}", False),
    ],
)
def test_the_source_reads_a_job_id_of_version_one_to_five_only(text, does):
    assert names_a_job(text) is does
