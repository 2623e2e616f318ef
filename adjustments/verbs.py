"""What people do with a request in the browser. Each view finds the request, calls one verb, and gives one answer."""

from collections.abc import Callable
from itertools import chain
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from adjustments import attention, forms, preview, workflow
from adjustments.drafting import Target, Undraftable, draft, for_edit
from adjustments.models import Adjustment
from adjustments.pages import context_of, found
from adjustments.policy import Policy, policy_for
from adjustments.recording import record_refusal, record_refused_proposal
from adjustments.sheet import Sheet
from adjustments.standing import Beneficiary, Refusal, TooLate, Unproven
from adjustments.states import Verdict
from adjustments.targets import target_of
from adjustments.wording import kind_label
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, fragment_or_redirect, page_or_fragment
from systems.reading import SourceUnavailable

CONFLICT, UNPROCESSABLE = 409, 422
PAGE = "adjustments/adjustment.html"


# Proposing and editing -----------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@audience("triage")
def propose(request: HtmxHttpRequest) -> HttpResponse:
    form = forms.Drafted(request.POST or None)
    try:
        target = target_of(request.GET)
    except Undraftable as why:
        return render(request, "adjustments/propose.html", {"refusal": why}, status=UNPROCESSABLE)

    def send(said: dict[str, Any]) -> Adjustment:
        asked = {"reason": said["reason"], "seen": said["seen"], "now": timezone.now(), "correlation_id": request.id}
        return workflow.propose(target=target, proposer=request.user, **asked)

    return _send_or_draft(request, target, form, send, "adjustments/propose.html")


@require_http_methods(["GET", "HEAD", "POST"])
@audience("triage")
def edit(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    adjustment = found(pk)
    shown = {"reason": adjustment.reason, "revision": adjustment.revision}
    form = forms.Drafted(request.POST or None, initial=shown)
    if not adjustment.is_pending:
        return _conflict(request, adjustment, TooLate.after(adjustment))
    try:
        target = for_edit(adjustment)
    except Undraftable as why:
        return _conflict(request, adjustment, Refusal(str(why)))

    def send(said: dict[str, Any]) -> Adjustment:
        asked = {"reason": said["reason"], "seen": said["seen"], "revision": said["revision"] or 0}
        return workflow.edit(adjustment=adjustment, editor=request.user, now=timezone.now(), **asked)

    return _send_or_draft(request, target, form, send, "adjustments/edit.html", adjustment)


def _send_or_draft(
    request: HtmxHttpRequest,
    target: Target,
    form: forms.Drafted,
    send: Callable[[dict[str, Any]], Adjustment],
    template: str,
    adjustment: Adjustment | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {"target": target, "form": form, "adjustment": adjustment, "now": timezone.now()}
    context["kind_label"] = kind_label(target.system.slug, target.correction.subject_kind)
    status = UNPROCESSABLE if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            return redirect(send(form.cleaned_data))
        except workflow.AlreadyProposed as there_is:
            messages.info(request, str(there_is))
            return redirect(there_is.adjustment)
        except (Refusal, Undraftable, SourceUnavailable) as why:
            if isinstance(why, Beneficiary):
                record_refused_proposal(target, actor=request.user.actor, why=str(why))
            context["refusal"], status = why, CONFLICT
    return render(request, template, context | _drafted(target, form, adjustment), status=status)


def _drafted(target: Target, form: forms.Drafted, adjustment: Adjustment | None) -> dict[str, Any]:
    """What the source says now; the form asks the person to agree to this and to nothing older."""
    try:
        drafted = draft(target, now=timezone.now())
    except Undraftable as why:
        return {"refusal": why}
    except SourceUnavailable as down:
        return {"unavailable": down}
    form.fields["seen"].initial = drafted.seen
    if form.is_bound:
        revision = {"revision": str(adjustment.revision)} if adjustment else {}
        form.data = {**form.data.dict(), "seen": drafted.seen, **revision}
    return {"draft": drafted}


# Deciding ------------------------------------------------------------------------------------------------------------


@require_GET
@audience("decide")
def decide(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """The last look before a decision: the total, for whom, on what evidence."""
    adjustment = found(pk)
    sheet = Sheet(adjustment, request.user, timezone.now())
    if not sheet.may_decide:
        messages.warning(request, sheet.why_not or sheet.standing)
        return redirect(adjustment)
    return _decision(request, adjustment)


@require_POST
@audience("decide")
def approve(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    form = forms.Seen(request.POST)

    def verb(adjustment: Adjustment) -> Adjustment:
        return workflow.approve(adjustment=adjustment, approver=request.user, now=timezone.now(), **forms.said(form))

    return _decided(request, found(pk), form, verb, _("Approved. The worker posts it now."))


@require_POST
@audience("decide")
def reject(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    form = forms.Refused(request.POST)

    def verb(adjustment: Adjustment) -> Adjustment:
        return workflow.reject(adjustment=adjustment, approver=request.user, now=timezone.now(), **forms.said(form))

    return _decided(request, found(pk), form, verb, _("Rejected. Nothing is posted."))


def _decided(
    request: HtmxHttpRequest, adjustment: Adjustment, form: forms.Seen, verb: Callable, done: str
) -> HttpResponse:
    if not form.is_valid():
        return _decision(request, adjustment, form=form, status=UNPROCESSABLE)
    try:
        if moved := _proven(request, adjustment, form, verb):
            return _done(request, moved, done)
        return _decision(request, adjustment, form=form, status=UNPROCESSABLE)
    except workflow.Changed as change:
        return _decision(request, found(adjustment.pk), refusal=change, status=CONFLICT)
    except workflow.NoReason as why:
        form.add_error("reason", str(why))
        return _decision(request, adjustment, form=form, status=UNPROCESSABLE)
    except (workflow.OwnHand, Beneficiary) as refusal:
        record_refusal(adjustment, actor=request.user.actor, verb="decision", why=str(refusal))
        return _conflict(request, adjustment, refusal)
    except Refusal as refusal:
        return _conflict(request, adjustment, refusal)


def _proven(
    request: HtmxHttpRequest, adjustment: Adjustment, form: forms.Proof | forms.Reason, verb: Callable
) -> Adjustment | None:
    """Done, once nothing but the proof of who decides was wanting and it was given. None: the form says what is wrong.

    Tried before it is asked for: whoever cannot decide reads why, and who decided already is not asked again.
    """
    try:
        return verb(adjustment)
    except Unproven:
        about = form.cleaned_data.get("seen") or adjustment.content_hash
        if not form.is_proven(request.user, about=about, now=timezone.now()):
            return None
    return verb(adjustment)


def _decision(
    request: HtmxHttpRequest,
    adjustment: Adjustment,
    *,
    form: forms.Seen | None = None,
    refusal: workflow.Changed | None = None,
    status: int = 200,
) -> HttpResponse:
    shown = forms.about(adjustment) | {"reason": request.POST.get("reason", "")}
    fresh = forms.Refused(initial=shown)
    context = context_of(request, adjustment) | {
        "shown": fresh,  # what is decided on, as it is now
        "proof": form or fresh,
        "explained": form if form and "reason" in form.errors else fresh,
        "must_say_why": _policy_of(adjustment).approver_reason,
        "refusal": refusal,
    }
    return render(request, "adjustments/decide.html", context, status=status)


def _policy_of(adjustment: Adjustment) -> Policy:
    return policy_for(system=adjustment.system, correction=adjustment.correction, amount=adjustment.amount)


# The rest ------------------------------------------------------------------------------------------------------------


@require_POST
@audience("triage")
def withdraw(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    form = forms.Reason(request.POST, auto_id="withdraw_%s")

    def verb(adjustment: Adjustment) -> Adjustment:
        return workflow.withdraw(adjustment=adjustment, person=request.user, now=timezone.now(), **form.cleaned_data)

    return _done_or_refused(request, found(pk), {"withdraw": form}, verb, _("Withdrawn. Nothing is posted."))


@require_POST
@audience("triage")
def ask(request: HtmxHttpRequest, pk: UUID, verdict: str) -> HttpResponse:
    """To try again, or to cancel: the first asks, the second confirms."""
    form = forms.Asked(request.POST, auto_id=f"{verdict}_%s")

    def verb(adjustment: Adjustment) -> Adjustment:
        asked = {"verdict": Verdict(verdict), "reason": form.cleaned_data["reason"], "now": timezone.now()}
        return attention.ask(adjustment=adjustment, person=request.user, **asked)

    return _done_or_refused(request, found(pk), {verdict: form}, verb, _("Noted. It takes a second person."))


@require_POST
@audience("triage")
def preview_again(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    adjustment = found(pk)
    preview.ask(adjustment, now=timezone.now())
    context = context_of(request, adjustment)
    return fragment_or_redirect(request, f"{PAGE}#evidence", context, to=adjustment.get_absolute_url())


def _done_or_refused(
    request: HtmxHttpRequest, adjustment: Adjustment, typed: dict[str, forms.Reason], verb: Callable, done: str
) -> HttpResponse:
    [form] = typed.values()
    try:
        if form.is_valid() and (moved := _proven(request, adjustment, form, verb)):
            return _done(request, moved, done)
        messages.error(request, " ".join(chain.from_iterable(form.errors.values())))
        return _page(request, adjustment, UNPROCESSABLE, typed)
    except Beneficiary as refusal:
        record_refusal(adjustment, actor=request.user.actor, verb="decision", why=str(refusal))
        return _conflict(request, adjustment, refusal)
    except Refusal as refusal:
        return _conflict(request, adjustment, refusal)


def _done(request: HtmxHttpRequest, adjustment: Adjustment, done: str) -> HttpResponse:
    messages.success(request, done)
    return _answer(request, adjustment)


def _answer(request: HtmxHttpRequest, adjustment: Adjustment) -> HttpResponse:
    context = context_of(request, found(adjustment.pk))
    to = adjustment.get_absolute_url()
    return fragment_or_redirect(request, f"{PAGE}#request", context, to=to, event="adjustments-changed")


def _conflict(request: HtmxHttpRequest, adjustment: Adjustment, refusal: Refusal) -> HttpResponse:
    messages.warning(request, str(refusal))
    return _page(request, adjustment, CONFLICT)


def _page(
    request: HtmxHttpRequest, adjustment: Adjustment, status: int, typed: dict[str, forms.Reason] | None = None
) -> HttpResponse:
    context = context_of(request, found(adjustment.pk), typed)
    return page_or_fragment(request, PAGE, context, fragment="request", status=status)
