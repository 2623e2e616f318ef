"""What becomes of an ordinary job: it succeeds, at once or after a retry, or fails and is refunded."""

from bisect import bisect
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from systems.imagegen.prices import price, two_stage
from systems.imagegen.story.books import Books, Charge
from systems.imagegen.story.tables import Row

LIMIT = 2  # failed tries after which a job is given up


class Weighted:
    """Values, and how often each comes up."""

    def __init__(self, weights: dict[Any, float]) -> None:
        self.values, self.sums = list(weights), list(accumulate(weights.values()))

    def pick(self, books: Books) -> Any:
        return self.values[bisect(self.sums, books.random.random() * self.sums[-1])]


MODELS = Weighted(
    {
        "gpt-image-2-low-1k": 55,
        "gemini-2.5-flash-image": 12,
        "gemini-3.1-flash-image-preview-1024": 9,
        "gpt-image-2-medium-1k": 8,
        "gemini-3.1-flash-image-preview-512": 6,
        "gemini-3-pro-image-1k": 4,
        "gpt-image-2-low-2k": 2,
        "gemini-3-pro-image-2k": 1.5,
        "gpt-image-2-high-1k": 1,
        "gpt-image-2-low": 0.7,
        "gemini-3-pro-image-4k": 0.5,
        None: 0.3,
    }
)
TYPES = Weighted(
    {"coordinate": 55, "specified_coordinate": 15, "one_tap_style": 14, "full_body": 7, "inspire": 6, "chibi": 3}
)
BACKGROUNDS = Weighted({"keep": 8, "ai_auto": 1, "include_in_prompt": 1})
PICTURES = Weighted({"illustration": 8, "real": 2})
COUNTS = Weighted({1: 90, 2: 7, 4: 3})
PASSING = (
    "OpenAI request timed out after 120000 ms",
    "Gemini API error 503: The model is overloaded. Please try again later.",
    "画像のアップロードに失敗しました (storage 502)",
)
FINAL = (
    "No images generated",
    "Your request was rejected as a result of our safety system.",
    "OpenAI API error 400: invalid image file",
)
SHORT = "Insufficient percoin balance"
WORDS = (
    "桜並木の下で振り袖を着た女の子",
    "雨の日のカフェでくつろぐ青年",
    "浴衣と花火、夏祭りの夜",
    "海辺を走る白いワンピース",
    "図書館で本を読むちびキャラ",
    "雪の日のダッフルコート",
    "古都を歩く袴姿",
    "紅葉の庭でお茶を飲む二人",
)
# Failed tries, how it ends, and what the tries may have died of.
OUTCOMES = Weighted(
    {
        (0, "succeeded", PASSING): 93,
        (1, "succeeded", PASSING): 3.5,
        (LIMIT, "failed", PASSING): 2,
        (1, "failed", FINAL): 1.5,
    }
)
GIVES_UP = 0.12  # how often a user who cannot pay tries all the same

BUCKET = "https://images.percoin.example/storage/v1/object/public/generated-images"


@dataclass(frozen=True)
class Try:
    """When a job was started and when that try ended."""

    started_at: datetime
    ended_at: datetime


def job(books: Books, at: datetime, **columns: Any) -> Row:
    """A job as it stands in the queue."""
    kind = TYPES.pick(books)
    row = {
        "id": books.uuid(),
        "user_id": books.user_id,
        "prompt_text": "",
        "model": MODELS.pick(books),
        "generation_type": kind,
        "background_mode": BACKGROUNDS.pick(books),
        "source_image_type": PICTURES.pick(books),
        "status": "queued",
        "attempts": 0,
        "processing_stage": "queued",
        "requested_image_count": COUNTS.pick(books),
        "input_image_url": f"{BUCKET}/{books.user_id}/inputs/{books.random.getrandbits(48):012x}.webp",
        "created_at": at,
        "updated_at": at,
    }
    if kind == "one_tap_style":
        row["generation_metadata"] = {"oneTapStyle": {"presetId": f"style-{books.random.randint(1, 24)}"}}
        row["generation_metadata"]["oneTapStyle"]["billingMode"] = "paid"
    return books.tables.add("image_jobs", **row | columns)


def cost(row: Row) -> int:
    listed = price(row["model"], created_at=row["created_at"], images=row["requested_image_count"])
    return two_stage(listed) if row["generation_type"] == "inspire" else listed


def tries(books: Books, at: datetime, count: int) -> list[Try]:
    """Starts and ends of ``count`` tries one after the other."""
    made = []
    for _ in range(count):
        started = at + timedelta(seconds=books.random.uniform(0.8, 6))
        at = started + timedelta(seconds=books.random.lognormvariate(3.5, 0.35))
        made.append(Try(started, at))
    return made


def charge(books: Books, row: Row, started_at: datetime, **metadata: Any) -> Charge:
    return books.charge(row, cost(row), started_at + timedelta(milliseconds=400), **metadata)


def finish(books: Books, row: Row, status: str, made: list[Try], failed: int, error: str | None = None) -> None:
    """The job's row as the worker leaves it."""
    stage = {"succeeded": "completed", "failed": "failed"}.get(status, status)
    row |= {"status": status, "processing_stage": stage, "attempts": failed, "error_message": error}
    row |= {"started_at": made[-1].started_at, "completed_at": made[-1].ended_at, "updated_at": made[-1].ended_at}


def picture(books: Books, row: Row, paid: Charge | None, at: datetime) -> Row:
    """The first image of a job, which its consumption names, and the further ones."""
    size = books.random.choice(((1024, 1024), (1024, 1536), (1536, 1024)))
    first = None
    for index in range(row["requested_image_count"]):
        path = f"{books.user_id}/{books.random.getrandbits(64):016x}.webp"
        image = books.tables.add(
            "generated_images",
            id=books.uuid(),
            user_id=books.user_id,
            image_url=f"{BUCKET}/{path}",
            storage_path=path,
            prompt=books.random.choice(WORDS),
            is_posted=False,
            created_at=at,
            image_job_id=row["id"],
            image_job_result_index=index,
            model=row["model"],
            width=size[0],
            height=size[1],
            generation_type=row["generation_type"],
            moderation_status="visible",
        )
        first = first or image
    row["result_image_url"] = first["image_url"]
    if paid:
        paid.row["related_generation_id"] = first["id"]
    return first


def log(books: Books, row: Row, at: datetime, message: str, level: str = "info", source: str = "edge-function") -> None:
    line = {"at": at, "source": source, "level": level, "message": message}
    books.tables.log.append(line | {"job_id": row["id"], "request_id": f"req-{row['id'][:8]}"})


def log_tries(books: Books, row: Row, made: list[Try], error: str | None) -> None:
    """A line for each start, and for each try that failed."""
    for number, one in enumerate(made, 1):
        log(books, row, one.started_at, f"worker picked up job (try {number})")
        if error and number <= row["attempts"]:
            log(books, row, one.ended_at, f"generation failed: {error}", "error")


# Whole lives ---------------------------------------------------------------------------------------------------------


def succeed(books: Books, at: datetime, failed: int = 0, **columns: Any) -> tuple[Row, Charge]:
    """Charged before the first try; a retry finds the charge and skips it."""
    row = job(books, at, **columns)
    made = tries(books, at, failed + 1)
    books.afford(cost(row), made[0].started_at)
    paid = charge(books, row, made[0].started_at)
    complete(books, row, paid, made, failed)
    return row, paid


def complete(books: Books, row: Row, paid: Charge | None, made: list[Try], failed: int) -> None:
    picture(books, row, paid, made[-1].ended_at - timedelta(seconds=1))
    finish(books, row, "succeeded", made, failed)
    if failed:
        log_tries(books, row, made, books.random.choice(PASSING))
        log(books, row, made[-1].ended_at, f"uploaded {row['result_image_url']}", source="storage")


def fail(books: Books, at: datetime, failed: int = LIMIT, error: str = PASSING[0]) -> tuple[Row, Charge]:
    """Charged and given up. Whether the refund follows is for the caller to tell."""
    row = job(books, at)
    made = tries(books, at, failed)
    books.afford(cost(row), made[0].started_at)
    paid = charge(books, row, made[0].started_at)
    finish(books, row, "failed", made, failed, error)
    log_tries(books, row, made, error)
    return row, paid


def soon_after(row: Row) -> datetime:
    """The worker refunds right after it has given the job up."""
    return row["completed_at"] + timedelta(milliseconds=500)


def ordinary(books: Books, at: datetime, now: datetime) -> None:
    """One of the twenty thousand, by chance. What has not ended by ``now`` is left as it stands."""
    failed, status, errors = OUTCOMES.pick(books)
    row = job(books, at)
    made = tries(books, at, failed + (status == "succeeded"))
    started = made[0].started_at
    if books.usable(started) < cost(row):
        if books.random.random() < GIVES_UP:
            return finish(books, row, "failed", made[:1], 1, SHORT)
        books.afford(cost(row), started)
    paid = charge(books, row, started)
    if made[-1].ended_at > now - timedelta(seconds=2):
        return wait(row, made, books.random.choice(errors), now)
    if status == "succeeded":
        return complete(books, row, paid, made, failed)
    finish(books, row, status, made, failed, books.random.choice(errors))
    log_tries(books, row, made, row["error_message"])
    books.refund(paid, soon_after(row))
    return None


def wait(row: Row, made: list[Try], error: str, now: datetime) -> None:
    """Charged and not done: being worked on, or back in the queue with the error of the try before."""
    ended = [one for one in made if one.ended_at <= now]
    running = next((one for one in made if one.started_at <= now < one.ended_at), None)
    row |= {"attempts": len(ended), "error_message": error if ended else None}
    row["updated_at"] = max([row["created_at"], *(one.ended_at for one in ended)])
    if running:
        row |= {"status": "processing", "processing_stage": "generating", "started_at": running.started_at}
        row["updated_at"] = running.started_at
