"""What may be corrected here. Each posting moves the ledger row, the purses and the source's audit row together."""

from django.utils.translation import gettext_lazy as _

from systems.base import Correction, CorrectionKind
from systems.imagegen import charges, postings, refunds
from systems.imagegen.events import UNIT

CORRECTIONS = (
    Correction(
        code="post_refund",
        title=_("Post the missing refund"),
        what=_("Writes the refund of what was charged, and gives the credits back to the purses that paid."),
        kind=CorrectionKind.POSTING,
        answers=("consumption_without_refund_for_failed_job",),
        subject_kind="job",
        unit=UNIT,
        particulars=("job_id", "user_id", "tx_id"),
        draft=refunds.draft_refund,
        evidence=refunds.refund_evidence,
        effects=postings.effects,
        post=refunds.post_refund,
        reversal="take_back_refund",
        ledger_row=postings.ledger_row,
    ),
    Correction(
        code="post_consumption",
        title=_("Post the missing charge"),
        what=_("Writes the charge of a job that succeeded, and takes the credits: free ones first, paid ones last."),
        kind=CorrectionKind.POSTING,
        answers=("succeeded_job_without_consumption",),
        subject_kind="job",
        unit=UNIT,
        particulars=("job_id", "user_id"),
        draft=charges.draft_consumption,
        evidence=charges.consumption_evidence,
        effects=postings.effects,
        post=charges.post_consumption,
        reversal="give_back",
        ledger_row=postings.ledger_row,
    ),
    Correction(
        code="take_back_refund",
        title=_("Take back an undue refund"),
        what=_("Writes a deduction that names the refund, and takes the credits from where the refund put them."),
        kind=CorrectionKind.POSTING,
        answers=("refund_for_succeeded_job", "refund_without_consumption"),
        subject_kind="job",
        unit=UNIT,
        particulars=("job_id", "user_id", "tx_id"),
        draft=refunds.draft_taking_back,
        evidence=refunds.taking_back_evidence,
        effects=postings.effects,
        post=refunds.take_back_refund,
        reversal="give_back",
        ledger_row=postings.ledger_row,
    ),
    Correction(
        code="give_back",
        title=_("Give back what this console took"),
        what=_("Writes a bonus that names the charge or deduction, and gives the credits back to the same purses."),
        kind=CorrectionKind.POSTING,
        answers=(),
        subject_kind="job",
        unit=UNIT,
        particulars=("job_id", "user_id", "tx_id"),
        draft=charges.draft_giving_back,
        evidence=charges.giving_back_evidence,
        effects=postings.effects,
        post=charges.give_back,
        reversal="take_back_refund",
        ledger_row=postings.ledger_row,
    ),
)
