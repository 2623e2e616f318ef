"""The catalogue of what goes wrong in the story: every anomaly, and every oddity that a careful reader must not report.

What no entry plans, no rule may find.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from systems.imagegen.story import rights, wrongs
from systems.imagegen.story.books import Books
from systems.imagegen.story.wrongs import Found


@dataclass(frozen=True, kw_only=True)
class Oddity:
    code: str
    what: str
    make: Callable[[Books, datetime], Found | None]
    times: int = 2
    lasting: bool = False  # has been lying there for hours


CATALOGUE = (
    Oddity(code="refunded_then_succeeded", what="refunded, picked up again", make=wrongs.refunded_then_succeeded),
    Oddity(code="never_refunded", what="marked failed by the status endpoint", make=wrongs.never_refunded, times=4),
    Oddity(code="charge_not_recorded", what="balance reduced, ledger insert failed", make=wrongs.charge_not_recorded),
    Oddity(code="two_kinds_at_once", what="refund there, charge missing", make=wrongs.refunded_and_charge_not_recorded),
    Oddity(code="somebody_elses_row", what="another user's row names it", make=wrongs.charged_to_somebody_else),
    Oddity(code="free_style", what="billingMode free", make=wrongs.free_style(billingMode="free"), times=3),
    Oddity(code="free_style_other_mode", what="unknown billingMode", make=wrongs.free_style(billingMode="campaign")),
    Oddity(code="free_style_without_mode", what="no billingMode", make=wrongs.free_style()),
    Oddity(code="style_without_its_object", what="no oneTapStyle: paid", make=rights.style_without_its_object),
    Oddity(code="job_deleted", what="the job is gone, its charge is not", make=wrongs.job_deleted, times=3),
    Oddity(code="refunded_job_deleted", what="charge and refund of no job", make=wrongs.refunded_job_deleted),
    Oddity(code="job_id_empty", what="job_id is empty", make=wrongs.job_id_written(lambda text: "")),
    Oddity(code="job_id_padded", what="blanks round job_id", make=wrongs.job_id_written(lambda text: f" {text} ")),
    Oddity(code="job_id_number", what="a number", make=wrongs.job_id_written(lambda text: int(text[:6], 16))),
    Oddity(code="job_of_version_seven", what="a uuid of version 7", make=wrongs.job_of_version_seven),
    Oddity(code="job_ids_null", what="two rows with a JSON null as job_id", make=wrongs.job_ids_null),
    Oddity(code="two_spellings", what="one id in two letter cases", make=wrongs.charged_in_two_spellings),
    Oddity(code="refunded_in_the_queue", what="while waiting", make=wrongs.refunded_in_the_queue, lasting=True),
    Oddity(code="refunded_at_work", what="while at work", make=wrongs.refunded_at_work, lasting=True),
    Oddity(code="refunded_another_amount", what="today's price", make=wrongs.refunded_another_amount),
    Oddity(code="refunded_without_a_charge", what="nothing was paid", make=wrongs.refunded_without_a_charge),
    Oddity(code="capital_letters", what="the id in capitals", make=rights.capital_letters, times=3),
    Oddity(code="synchronous_charge", what="names an image and no job", make=rights.synchronous_charge),
    Oddity(code="charge_without_metadata", what="metadata is null", make=rights.charge_without_metadata),
    Oddity(code="bonus_without_a_date", what="created_at is null", make=rights.bonus_without_a_date),
    Oddity(code="three_tries", what="given up under the older limit", make=rights.three_tries),
    Oddity(code="refunded_the_older_way", what="no allocations", make=rights.refunded_the_older_way),
    Oddity(code="refunded_twice_in_the_purse", what="more than the ledger", make=rights.refunded_twice_in_the_purse),
    Oddity(code="stale", what="at work for hours, charged", make=rights.stale, lasting=True),
    Oddity(code="not_paid", what="short balance, rightly without a charge", make=rights.not_paid),
    Oddity(code="unknown_style", what="a generation type nobody told us of", make=rights.unknown_style),
    Oddity(code="promotional_purchase", what="bought, but free credits", make=rights.promotional_purchase),
    Oddity(code="deducted_by_an_admin", what="audited without job_id and tx_id", make=rights.deducted_by_an_admin),
)
