from datetime import UTC, datetime

import pytest

from systems.imagegen.prices import PAID_PER_IMAGE_UNTIL, price, two_stage

LATER = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("model", "credits"),
    [
        ("gemini-2.5-flash-image", 20),
        ("gemini-3-pro-image-1k", 50),
        ("gemini-3-pro-image-2k", 80),
        ("gemini-3-pro-image-4k", 100),
        ("gemini-3.1-flash-image-preview-512", 10),
        ("gpt-image-2-high-4k", 130),
    ],
)
def test_the_model_decides_the_price(model, credits):
    assert price(model, created_at=LATER) == credits


@pytest.mark.parametrize("model", [None, "", "a-model-of-tomorrow"])
def test_an_unknown_or_empty_model_costs_twenty(model):
    assert price(model, created_at=LATER) == 20


def test_openai_jobs_paid_for_each_image_until_mid_august():
    before = datetime(2026, 8, 14, 23, 59, tzinfo=UTC)

    assert price("gpt-image-2-low-1k", created_at=before, images=4) == 40
    assert price("gpt-image-2-low-1k", created_at=PAID_PER_IMAGE_UNTIL, images=4) == 10
    assert price("gemini-3-pro-image-1k", created_at=before, images=4) == 50


@pytest.mark.parametrize(("list_price", "credits"), [(10, 18), (20, 36), (50, 90), (130, 234), (5, 9), (3, 6)])
def test_two_stages_cost_nine_tenths_of_twice_rounded_up(list_price, credits):
    assert two_stage(list_price) == credits
