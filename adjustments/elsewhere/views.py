"""The part of a request's page that tells what happens elsewhere, and where a person says that it is done."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from adjustments import pages
from adjustments.elsewhere import procedure
from adjustments.elsewhere.models import CallState, CarriedOut, RemoteCall
from adjustments.models import Adjustment
from adjustments.standing import Refusal
from adjustments.states import Outcome, State
from adjustments.wording import correction_of
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest
from billingadmin.texts import ReasonField
from systems.base import Correction, CorrectionKind

MOST = 300
MINUTE = "%Y-%m-%dT%H:%M"


class Done(forms.Form):
    """What a person says of what they did elsewhere."""

    reference = ReasonField(label=gettext_lazy("Where it can be looked up"), max_length=500)
    done_at = forms.DateTimeField(
        label=gettext_lazy("Done at"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MINUTE)
    )

    def __init__(self, correction: Correction | None, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, auto_id="done_%s", **named)
        if correction and correction.proof:
            self.fields["reference"].label = correction.proof


@require_POST
@audience("triage")
def carried_out(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    adjustment, now = pages.found(pk), timezone.now()
    form = Done(correction_of(adjustment), request.POST)
    if not form.is_valid():
        return _again(request, adjustment, form, 422)
    try:
        procedure.record(adjustment=adjustment, person=request.user, now=now, **form.cleaned_data)
    except Refusal as refusal:
        messages.warning(request, str(refusal))
        return _again(request, adjustment, form, 409)
    messages.success(request, _("Kept. The worker closes the request."))
    return redirect(adjustment)


def _again(request: HtmxHttpRequest, adjustment: Adjustment, form: Done, status: int) -> HttpResponse:
    context = pages.context_of(request, pages.found(adjustment.pk)) | {"done_form": form}
    return render(request, "adjustments/adjustment.html", context, status=status)


def told(adjustment: Adjustment, person: Any, form: Done | None = None) -> dict[str, Any]:
    """What the page's part shows; nothing of it for a posting."""
    correction = correction_of(adjustment)
    if correction is None or correction.kind not in (CorrectionKind.REMOTE_CALL, CorrectionKind.PROCEDURE):
        return {}
    current = {"line__adjustment": adjustment, "line__revision": adjustment.revision}
    calls = list(RemoteCall.objects.filter(**current).select_related("line").order_by("line__number")[:MOST])
    return {
        "adjustment": adjustment,
        "correction": correction,
        "calls": calls,
        "is_unknown": any(call.state in (CallState.INTENDED, CallState.UNKNOWN) for call in calls),
        "is_procedure": correction.kind == CorrectionKind.PROCEDURE,
        "evidence": CarriedOut.objects.filter(**current).select_related("person").order_by("line__number")[:MOST],
    } | _asked(adjustment, correction, person, form)


def _asked(adjustment: Adjustment, correction: Correction, person: Any, form: Done | None) -> dict[str, Any]:
    waits = adjustment.state in (State.APPROVED, State.NEEDS_ATTENTION) and correction.kind == CorrectionKind.PROCEDURE
    if not waits or not adjustment.current_lines().filter(outcome=Outcome.WAITING).exists():
        return {}
    if why_not := procedure.why_not(adjustment, person):
        return {"why_not": why_not}
    return {"form": form or Done(correction, initial={"done_at": timezone.localtime()})}
