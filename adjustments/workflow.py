"""Propose, edit, approve, reject, withdraw: what people do with a request before anything is posted.

Each verb is one transaction in which its person acts, and is calm when it has been done already. The rows it changes
record themselves in the audit log. What it must refuse it refuses with a sentence; the guards in migrations/ refuse the
same to every other path.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adjustments import applying, preview
from adjustments.already import in_the_way
from adjustments.content import Change, changes, content_hash
from adjustments.drafting import Draft, Target, draft, for_edit
from adjustments.freezes import holding
from adjustments.freezes.waiting import freezes_on
from adjustments.models import Adjustment, AdjustmentLine, Revision
from adjustments.people import Person, hands
from adjustments.policies.caps import asking_to_propose, refuse_impossible, within_caps
from adjustments.policy import Policy, TooShort, policy_for, policy_now, size_of
from adjustments.standing import Beneficiary, Refusal, TooLate, held, move, say, standing
from adjustments.states import State, Verdict
from audit.log import acting
from billingadmin.audience import Capability
from billingadmin.texts import Unreadable, readable


class NotAllowed(Refusal):
    """The person's roles do not include this."""


class NoReason(Refusal):
    """Nothing is decided without a reason that can be read."""


class OwnHand(Refusal):
    """Whoever proposed or edited a request does not decide it."""


class AlreadyProposed(Refusal):
    """There is a request for the same thing: ``adjustment``."""

    def __init__(self, adjustment: Adjustment) -> None:
        super().__init__(
            _("#%(number)d already asks for this. %(standing)s")
            % {"number": adjustment.number, "standing": standing(adjustment)}
        )
        self.adjustment = adjustment


class SourceMoved(Refusal):
    """The source no longer says what the person saw: ``draft`` is what it says now."""

    def __init__(self, drafted: Draft) -> None:
        super().__init__(_("The source has moved since this page was made. Look at it again; nothing was stored."))
        self.draft = drafted


class Changed(Refusal):
    """The request is no longer the one the person saw: ``changes`` says in what."""

    def __init__(self, adjustment: Adjustment, differing: Sequence[Change]) -> None:
        author = adjustment.revisions.select_related("by").get(number=adjustment.revision).by
        words = _("%(name)s changed this since your page was made; it is now revision %(revision)d. Look at it again.")
        if adjustment.policy_effects.filter(revision=adjustment.revision).exists():
            words = _(
                "The policy changed since your page was made: approvals so far are void, and it is now revision "
                "%(revision)d of the same lines. Look at it again."
            )
        super().__init__(words % {"name": author.name, "revision": adjustment.revision})
        self.changes = differing


class Frozen(Refusal):
    """What is frozen is not approved; it can be rejected."""


class PolicyChanged(Refusal):
    """The policy is another one than when this was proposed."""


# What the database refuses of a decision although the person was able to make it when their page was shown.
DECISIVE_REFUSALS: dict[str, tuple[type[Refusal], Any]] = {
    "decision_by_an_approver": (NotAllowed, gettext_lazy("You are no longer an approver.")),
    "decision_under_the_policy_there_is": (
        PolicyChanged,
        gettext_lazy(
            "The policy has changed since this was proposed. The request comes under the new one within a few minutes; "
            "look at it again then, or edit it now."
        ),
    ),
    "adjustment_reason_is_long_enough": (
        PolicyChanged,
        gettext_lazy("The policy asks the proposer for a longer reason. Edit the request, or reject it."),
    ),
    "approval_says_why": (NoReason, gettext_lazy("The policy asks you for a reason: say why you approve this.")),
}


def propose(
    *, target: Target, proposer: Person, reason: str, seen: str, now: datetime, correlation_id: str = ""
) -> Adjustment:
    """``seen`` is the draft's hash as it was shown to the proposer."""
    _must_be_able(proposer, "triage")
    reason = _reason(reason)
    _refuse_second(target)
    drafted = draft(target, now=now)
    if drafted.seen != seen:
        raise SourceMoved(drafted)
    try:
        with acting(proposer.actor, correlation_id=correlation_id):
            adjustment = _store(drafted, proposer, reason, now, correlation_id)
    except IntegrityError as error:
        if _is_of_the_beneficiary(error):
            raise Beneficiary.who_asks() from error
        if taken := in_the_way(target):  # somebody proposed it in this very moment
            raise AlreadyProposed(next(iter(taken.values()))) from error
        raise
    return adjustment


def edit(*, adjustment: Adjustment, editor: Person, revision: int, reason: str, seen: str, now: datetime) -> Adjustment:
    """The next revision: the source's lines as they are now, the editor's reason. Decisions so far are void."""
    _must_be_able(editor, "triage")
    reason = _reason(reason)
    drafted = draft(for_edit(adjustment), now=now)
    if drafted.seen != seen:
        raise SourceMoved(drafted)
    with acting(editor.actor, correlation_id=adjustment.correlation_id):
        current = held(adjustment.pk)
        _must_be_pending(current, now)
        if current.revision != revision:
            raise Changed(current, _differences(current, revision))
        _refuse_short(policy_of_draft(drafted), reason)
        refuse_impossible(policy_of_draft(drafted), asking_to_propose(drafted, current.proposed_by))
        try:
            store_revision(current, drafted, editor, reason, now)
        except IntegrityError as error:
            if _is_of_the_beneficiary(error):
                raise Beneficiary.who_asks() from error
            raise
    return current


def _is_of_the_beneficiary(error: IntegrityError) -> bool:
    return error.__cause__.diag.constraint_name == "proposal_by_no_beneficiary"


def approve(
    *, adjustment: Adjustment, approver: Person, revision: int, seen: str, now: datetime, reason: str = ""
) -> Adjustment:
    """``revision`` and ``seen`` (its content hash) are what the approver had before their eyes."""
    _must_be_able(approver, "decide")
    with acting(approver.actor, correlation_id=adjustment.correlation_id):
        current = held(adjustment.pk)
        if _said(current, approver, Verdict.APPROVE):
            return current
        _must_be_decidable(current, approver, revision, seen, now)
        _decide(current, approver, Verdict.APPROVE, reason, now)
        if _approvals(current) >= current.approvals_needed:
            _approve(current, now)
    return current


def reject(
    *, adjustment: Adjustment, approver: Person, revision: int, seen: str, reason: str, now: datetime
) -> Adjustment:
    _must_be_able(approver, "decide")
    reason = _reason(reason)
    with acting(approver.actor, reason=reason, correlation_id=adjustment.correlation_id):
        current = held(adjustment.pk)
        if _said(current, approver, Verdict.REJECT):
            return current
        _must_be_decidable(current, approver, revision, seen, now)
        _decide(current, approver, Verdict.REJECT, reason, now)
        move(current, State.REJECTED, closed_at=now)
    return current


def withdraw(*, adjustment: Adjustment, person: Person, reason: str, now: datetime) -> Adjustment:
    reason = _reason(reason)
    with acting(person.actor, reason=reason, correlation_id=adjustment.correlation_id):
        current = held(adjustment.pk)
        if current.proposed_by_id != person.pk:
            raise NotAllowed(_("Only %s, who proposed this, can withdraw it.") % current.proposed_by.name)
        if current.state == State.WITHDRAWN:
            return current
        _must_be_pending(current, now)
        move(current, State.WITHDRAWN, closed_at=now)
    return current


def _must_be_able(person: Person, capability: Capability) -> None:
    if not person.may(capability):
        raise NotAllowed(_("Your roles do not include this."))


def _reason(text: str) -> str:
    try:
        return readable(text)
    except Unreadable as why:
        raise NoReason(why.message) from None


def _refuse_short(policy: Policy, reason: str) -> None:
    try:
        policy.refuse_short(reason)
    except TooShort as why:
        raise NoReason(str(why)) from None


def _refuse_second(target: Target) -> None:
    """Where one thing is asked for. Of many, the draft leaves out what another request asks for already."""
    if target.only and (taken := in_the_way(target)):
        raise AlreadyProposed(next(iter(taken.values())))


def _must_be_pending(adjustment: Adjustment, now: datetime) -> None:
    if adjustment.state != State.PENDING:
        raise TooLate.after(adjustment)
    if now >= adjustment.approve_by:
        raise TooLate(_("The time to approve this has passed. Propose it again."))


def _must_be_decidable(adjustment: Adjustment, person: Person, revision: int, seen: str, now: datetime) -> None:
    if adjustment.proposed_by_id == person.pk:
        raise OwnHand(_("You proposed this; another approver must decide."))
    if person.pk in hands(adjustment):
        raise OwnHand(_("You edited this; another approver must decide."))
    _must_be_pending(adjustment, now)
    if (adjustment.revision, adjustment.content_hash) != (revision, seen):
        raise Changed(adjustment, _differences(adjustment, revision))
    if _said(adjustment, person, Verdict.APPROVE) or _said(adjustment, person, Verdict.REJECT):
        raise TooLate(_("You have decided this already."))


def _differences(adjustment: Adjustment, revision: int) -> list[Change]:
    shown = adjustment.revisions.filter(number=revision).first()
    return changes(shown.content, adjustment.content) if shown else []


def _said(adjustment: Adjustment, person: Person, verdict: Verdict) -> bool:
    return adjustment.decisions.filter(revision=adjustment.revision, person=person, verdict=verdict).exists()


def _approvals(adjustment: Adjustment) -> int:
    return adjustment.decisions.filter(
        revision=adjustment.revision, content_hash=adjustment.content_hash, verdict=Verdict.APPROVE
    ).count()


def _decide(adjustment: Adjustment, person: Person, verdict: Verdict, reason: str, now: datetime) -> None:
    try:
        say(adjustment, person, verdict, reason, now)
    except IntegrityError as error:
        if holding.forbids_approval(error):
            raise Frozen(_("This is frozen: %s") % _frozen_by(adjustment)) from error
        if known := DECISIVE_REFUSALS.get(error.__cause__.diag.constraint_name):
            kind, sentence = known
            raise kind(str(sentence)) from error
        raise


def _frozen_by(adjustment: Adjustment) -> str:
    return " ".join(holding.sentence(freeze) for freeze in freezes_on(adjustment))


def _approve(adjustment: Adjustment, now: datetime) -> None:
    with within_caps(adjustment, now):
        move(adjustment, State.APPROVED, approved_at=now, apply_by=now + policy_now(adjustment).apply_within)
    applying.enqueue(adjustment.pk)


def policy_of_draft(drafted: Draft) -> Policy:
    size = size_of(entry.line.amount for entry in drafted.entries)
    target = drafted.target
    return policy_for(system=target.system.slug, correction=target.correction.code, amount=size)


def _store(drafted: Draft, proposer: Person, reason: str, now: datetime, correlation_id: str) -> Adjustment:
    target = drafted.target
    policy = policy_of_draft(drafted)
    _refuse_short(policy, reason)
    refuse_impossible(policy, asking_to_propose(drafted, proposer))
    adjustment = Adjustment(
        system=target.system.slug,
        correction=target.correction.code,
        anomaly=target.anomaly,
        fingerprint=target.fingerprint,
        occurrence=target.occurrence,
        subject_kind=target.correction.subject_kind,
        subject=target.subject,
        proposed_by=proposer,
        proposed_at=now,
        reverses=target.reverses,
        correlation_id=correlation_id,
        **_signed(drafted, policy, reason, now),
    )
    adjustment.save(force_insert=True)
    _store_lines(adjustment, drafted, proposer, now)
    return adjustment


def store_revision(adjustment: Adjustment, drafted: Draft, editor: Person, reason: str, now: datetime) -> None:
    columns = _signed(drafted, policy_of_draft(drafted), reason, now)
    move(adjustment, State.PENDING, revision=adjustment.revision + 1, **columns)
    _store_lines(adjustment, drafted, editor, now)


def _signed(drafted: Draft, policy: Policy, reason: str, now: datetime) -> dict[str, Any]:
    content = drafted.signed(reason=reason, policy_version=policy.version)
    return {
        "reason": reason,
        "amount": drafted.amount,
        "unit": drafted.unit,
        "content": content,
        "content_hash": content_hash(content),
        "policy_version": policy.version,
        "approvals_needed": policy.approvals,
        "approve_by": now + policy.approve_within,
    }


def _store_lines(adjustment: Adjustment, drafted: Draft, author: Person, now: datetime) -> None:
    AdjustmentLine.objects.bulk_create(
        AdjustmentLine(
            adjustment=adjustment,
            revision=adjustment.revision,
            number=number,
            key=entry.key,
            subject=entry.line.subject,
            amount=entry.line.amount,
            unit=entry.line.unit,
            particulars=dict(entry.line.particulars),
            evidence=dict(entry.evidence),
            customer=entry.customer,
            anomaly=entry.asked.anomaly,
            fingerprint=entry.fingerprint,
            occurrence=entry.asked.occurrence,
            reverses=entry.asked.reverses,
        )
        for number, entry in enumerate(drafted.entries, 1)
    )
    Revision.objects.create(
        adjustment=adjustment,
        number=adjustment.revision,
        content=adjustment.content,
        content_hash=adjustment.content_hash,
        by=author,
        at=now,
    )
    preview.ask(adjustment, now=now)
