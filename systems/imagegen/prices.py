"""What a job should have cost, by its model and its date. Information for a draft, never a judgement.

Prices moved often; the ledger row is what counts.
"""

from datetime import UTC, datetime

DEFAULT = 20  # an unknown or empty model

PER_IMAGE = {
    "gemini-2.5-flash-image": 20,
    "gemini-3.1-flash-image-preview-512": 10,
    "gemini-3.1-flash-image-preview-1024": 20,
    "gemini-3-pro-image-1k": 50,
    "gemini-3-pro-image-2k": 80,
    "gemini-3-pro-image-4k": 100,
    "gpt-image-2-low": 10,  # the older name of low-1k
    "gpt-image-2-low-1k": 10,
    "gpt-image-2-low-2k": 20,
    "gpt-image-2-low-4k": 40,
    "gpt-image-2-medium-1k": 20,
    "gpt-image-2-medium-2k": 50,
    "gpt-image-2-medium-4k": 80,
    "gpt-image-2-high-1k": 50,
    "gpt-image-2-high-2k": 80,
    "gpt-image-2-high-4k": 130,
}

PAID_PER_IMAGE_UNTIL = datetime(2026, 8, 15, tzinfo=UTC)  # OpenAI jobs created before it pay for each image asked for


def price(model: str | None, *, created_at: datetime, images: int = 1) -> int:
    """The list price of one job, in credits."""
    pays_each = (model or "").startswith("gpt-") and created_at < PAID_PER_IMAGE_UNTIL
    return PER_IMAGE.get(model or "", DEFAULT) * (max(images, 1) if pays_each else 1)


def two_stage(list_price: int) -> int:
    """Two stages for one price with a tenth off, rounded up: the "creator looks" jobs."""
    return -(-list_price * 2 * 9 // 10)
