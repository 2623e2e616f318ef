"""What people do with one anomaly: each verb a POST of its own.

htmx, which only the queue's rows use, gets the row as it now is; everybody else goes back to where they were. Who comes
too late is told who was first; a form that cannot be understood comes back with what was typed.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from anomalies import rechecks, triage
from anomalies.dossier import dossier, steps_of
from anomalies.forms import DismissForm, NoteForm, SnoozeForm
from anomalies.listing import listed
from anomalies.models import Anomaly
from anomalies.models.states import Presence
from anomalies.rooms import system_of
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, fragment_or_redirect, wants_fragment

Act = Callable[[datetime], Any]
CONFLICT, UNPROCESSABLE = 409, 422
SEEN_NOW = {
    Presence.SEEN: gettext_lazy("Checked: it is still there."),
    Presence.ABSENT: gettext_lazy("Checked: it is gone."),
    Presence.SUBJECT_GONE: gettext_lazy("Checked: the source no longer knows the subject."),
    Presence.NOT_CHECKABLE: gettext_lazy("It could not be checked: the source or the rule does not answer."),
}


@require_POST
@audience("triage")
def claim(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    anomaly = get_object_or_404(Anomaly, pk=pk)
    owner = request.POST.get("instead_of", "")
    instead_of = int(owner) if owner.isdecimal() and len(owner) < 19 else None

    def act(now: datetime) -> bool:
        return triage.claim(anomaly=anomaly, by=request.user, now=now, instead_of=instead_of)

    return _answer(request, anomaly, act, done=_("It is yours."), already=_("It was yours already."))


@require_POST
@audience("triage")
def release(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    anomaly = get_object_or_404(Anomaly, pk=pk)

    def act(now: datetime) -> bool:
        return triage.release(anomaly=anomaly, by=request.user, now=now)

    return _answer(request, anomaly, act, done=_("Released."), already=_("Nobody had it."))


@require_POST
@audience("triage")
def snooze(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    anomaly = get_object_or_404(Anomaly, pk=pk)
    form = SnoozeForm(request.POST, unit=anomaly.unit, prefix="snooze")

    def act(now: datetime) -> bool:
        return triage.snooze(anomaly=anomaly, by=request.user, now=now, **form.limits(now))

    return _answer_form(request, anomaly, form, act, done=_("Snoozed."))


@require_POST
@audience("triage")
def dismiss(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    anomaly = get_object_or_404(Anomaly, pk=pk)
    form = DismissForm(request.POST, prefix="dismiss")

    def act(now: datetime) -> bool:
        told = {**form.cleaned_data, "seen": form.cleaned_data["seen"] or None}
        return triage.dismiss(anomaly=anomaly, by=request.user, now=now, **told)

    already = _("You had dismissed it already.")
    return _answer_form(request, anomaly, form, act, done=_("Dismissed."), already=already)


@require_POST
@audience("triage")
def reopen(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    anomaly = get_object_or_404(Anomaly, pk=pk)

    def act(now: datetime) -> bool:
        return triage.reopen(anomaly=anomaly, by=request.user, now=now)

    return _answer(request, anomaly, act, done=_("Open again."), already=_("It was open already."))


@require_POST
@audience("triage")
def note(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    anomaly = get_object_or_404(Anomaly, pk=pk)
    form = NoteForm(request.POST, prefix="note")

    def act(now: datetime) -> Any:
        return triage.note(anomaly=anomaly, by=request.user, now=now, text=form.cleaned_data["text"])

    return _answer_form(request, anomaly, form, act, done=_("Noted."))


@require_POST
@audience("triage")
def tick(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    anomaly = get_object_or_404(Anomaly, pk=pk)
    step = _step(anomaly, request)

    def act(now: datetime) -> bool:
        return triage.tick(anomaly=anomaly, by=request.user, now=now, step=step)

    return _answer(request, anomaly, act, done="", already=_("Somebody had ticked it already."))


@require_POST
@audience("triage")
def untick(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    anomaly = get_object_or_404(Anomaly, pk=pk)
    step = _step(anomaly, request)

    def act(now: datetime) -> bool:
        return triage.untick(anomaly=anomaly, by=request.user, now=now, step=step)

    return _answer(request, anomaly, act, done="", already=_("It was not ticked."))


def _step(anomaly: Anomaly, request: HtmxHttpRequest) -> str:
    """The step named, which must be one of the rule's."""
    step = request.POST.get("step", "")
    if step not in {offered.code for offered in steps_of(anomaly)}:
        raise Http404(f"no step {step!r}")
    return step


@require_POST
@audience("triage")
def recheck(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Asks the source now, and keeps what it says."""
    anomaly = get_object_or_404(Anomaly, pk=pk)
    if system_of(anomaly.system) is None:
        messages.warning(request, _("Its system is no longer part of the console."))
        return _shown(request, anomaly, CONFLICT)
    rechecks.recheck([anomaly], timezone.now())
    anomaly.refresh_from_db()
    messages.info(request, SEEN_NOW[Presence(anomaly.presence)])
    return _shown(request, anomaly)


# The answers ---------------------------------------------------------------------------------------------------------


def _answer_form(
    request: HtmxHttpRequest, anomaly: Anomaly, form: Form, act: Act, *, done: str, already: str = ""
) -> HttpResponse:
    if form.is_valid():
        try:
            return _answer(request, anomaly, act, done=done, already=already)
        except triage.Unfit as unfit:
            form.add_error(unfit.field if unfit.field in form.fields else None, str(unfit))
    context = dossier(request, anomaly, now=timezone.now(), forms={form.prefix: form})
    return render(request, "anomalies/anomaly.html", context, status=UNPROCESSABLE)


def _answer(request: HtmxHttpRequest, anomaly: Anomaly, act: Act, *, done: str, already: str = "") -> HttpResponse:
    try:
        changed = act(timezone.now())
    except triage.Refused as refusal:
        messages.warning(request, str(refusal))
        return _shown(request, anomaly, CONFLICT)
    if words := done if changed else already:
        (messages.success if changed else messages.info)(request, words)
    return _shown(request, anomaly)


def _shown(request: HtmxHttpRequest, anomaly: Anomaly, status: int = 200) -> HttpResponse:
    """The row for htmx, with the status; for a person the way back, where the message waits."""
    fresh = Anomaly.objects.select_related("owner").get(pk=anomaly.pk)
    to = reverse("anomalies:anomaly", args=[anomaly.pk])
    response = fragment_or_redirect(request, "anomalies/queue.html#row", _row(fresh), to=to)
    if wants_fragment(request):
        response.status_code = status
    return response


def _row(anomaly: Anomaly) -> dict[str, Any]:
    return {"row": listed([anomaly])[0], "now": timezone.now()}
