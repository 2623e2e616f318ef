"""What the rows cannot record of themselves: an attempt at what is not the person's to do."""

from django.db import transaction

from adjustments.models import Adjustment
from adjustments.targets import Target
from audit.log import Actor, record


def record_refusal(adjustment: Adjustment, *, actor: Actor, verb: str, why: str) -> None:
    """Nothing of the request changed; somebody tried."""
    with transaction.atomic():
        record(
            actor=actor,
            action_type=f"adjustment_{verb}",
            target_type="adjustment",
            target_id=str(adjustment.pk),
            outcome="refused",
            reason=why,
            system=adjustment.system,
            correlation_id=adjustment.correlation_id,
            metadata={
                "number": adjustment.number,
                "revision": adjustment.revision,
                "content_hash": adjustment.content_hash,
                "before": {"state": adjustment.state},
                "after": {"state": adjustment.state},
            },
        )


def record_refused_proposal(target: Target, *, actor: Actor, why: str) -> None:
    """There is no request; somebody tried to make or change one."""
    with transaction.atomic():
        record(
            actor=actor,
            action_type="adjustment_proposal",
            target_type=target.correction.subject_kind,
            target_id=target.subject,
            outcome="refused",
            reason=why,
            system=target.system.slug,
            metadata={"correction": target.correction.code, "before": {}, "after": {}},
        )
