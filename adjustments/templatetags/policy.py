"""{% load policy %}: beside a request or a draft, the rule that holds, who may approve it, and what is left today."""

from typing import Any

from django import template
from django.utils.translation import gettext as _

from adjustments.drafting import Draft
from adjustments.models import Adjustment
from adjustments.people import Person, Voter, voters, voters_besides
from adjustments.policies import caps
from adjustments.policy import NoPolicy, Policy, policy_now
from adjustments.workflow import policy_of_draft

register = template.Library()


@register.inclusion_tag("policy/_on_request.html", takes_context=True)
def policy_on_request(context: template.Context, adjustment: Adjustment) -> dict[str, Any]:
    """For a request that waits: who may approve it and who not, and why; the caps it meets."""
    now = context["now"]
    policy, asking = policy_now(adjustment), caps.asking_of(adjustment)
    found = voters(adjustment, lambda person: _beyond(policy, adjustment, person, now))
    missing = adjustment.approvals_needed - len(asking.approvers)
    return {
        **_told(policy, asking, found, missing, now),
        "effect": adjustment.policy_effects.filter(revision=adjustment.revision).first(),
        "is_outdated": policy.version != adjustment.policy_version,
    }


@register.inclusion_tag("policy/_on_draft.html", takes_context=True)
def policy_on_draft(context: template.Context, draft: Draft, proposer: Person) -> dict[str, Any]:
    """For what somebody is about to propose."""
    try:
        policy = policy_of_draft(draft)
    except NoPolicy:
        return {}
    asking = caps.asking_to_propose(draft, proposer)
    return _told(policy, asking, voters_besides(proposer), policy.approvals, context["now"])


def _told(policy: Policy, asking: caps.Asking, found: list[Voter], missing: int, now: Any) -> dict[str, Any]:
    able = [voter.person for voter in found if not voter.why_not]
    lefts = caps.lefts(policy, asking, now)
    never = caps.why_never(policy, asking)
    return {
        "policy": policy,
        "able": able,
        "unable": [voter for voter in found if voter.why_not],
        "lefts": lefts,
        "unit": asking.unit,
        "in_the_way": never or next((left.sentence for left in lefts if not left.fits), ""),
        "missing": missing,
        "too_few": len(able) < missing,
        "now": now,
    }


def _beyond(policy: Policy, adjustment: Adjustment, person: Person, now: Any) -> str:
    """Whether the approver's own cap is used up."""
    if policy.approver_cap is None:
        return ""
    mine = caps.lefts(policy, caps.asking_of(adjustment, person), now)
    used_up = any(left.kind == "approver" and left.who == person.name and not left.fits for left in mine)
    return _("has used up the cap of the day") if used_up else ""
