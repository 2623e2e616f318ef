"""Proposing one request for many things, in the browser: choose, look at what the source gives, send."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from adjustments import forms, several, workflow
from adjustments.drafting import Target, Undraftable, draft
from adjustments.spreadsheet import NotAFile, decoded
from adjustments.standing import Refusal
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest
from systems.reading import SourceUnavailable

CONFLICT, UNPROCESSABLE = 409, 422
PAGE = "adjustments/several.html"


@require_http_methods(["GET", "HEAD", "POST"])
@audience("triage")
def propose_several(request: HtmxHttpRequest) -> HttpResponse:
    """The queue sends what is ticked, or its address for all that it shows; the form here sends a file."""
    context: dict[str, Any] = {"every_offer": several.every_offer(), "now": timezone.now()}
    if request.method != "POST":
        return render(request, PAGE, context)
    try:
        asked = _asked(request)
        context |= {"asked": asked}
        target = _target(asked)
    except (Undraftable, NotAFile) as why:
        return render(request, PAGE, context | {"refusal": why}, status=UNPROCESSABLE)
    if target is None:
        return render(request, PAGE, context | {"offers": several.offers(asked["anomalies"])})
    form = forms.Drafted(request.POST if "seen" in request.POST else None)
    return _send_or_show(request, target, form, context | {"target": target, "form": form})


def _asked(request: HtmxHttpRequest) -> dict[str, Any]:
    """What was chosen, in the form in which the next page sends it again."""
    sent = request.POST
    if "file" in request.FILES:
        text = decoded(request.FILES["file"].read())
        if not text.strip():
            raise NotAFile(_("The file is empty."))
        return {"text": text, "code": sent.get("correction", ""), "anomalies": []}
    if "all" in sent:
        anomalies = several.matching(sent.get("next", ""), request.user, timezone.now())
    else:
        anomalies = several.chosen([*sent.getlist("pick"), *sent.get("anomalies", "").split(",")])
    asked = {"text": sent.get("text", ""), "code": sent.get("correction", ""), "anomalies": anomalies}
    if not anomalies and not asked["text"]:
        raise Undraftable(_("Choose some anomalies in the queue, or a file."))
    return asked | {"numbers": ",".join(str(one.pk) for one in anomalies)}


def _target(asked: dict[str, Any]) -> Target | None:
    """None while it is open which of several corrections is meant."""
    if asked["text"]:
        return several.of_file(several.offered(asked["code"]), asked["text"])
    if asked["code"]:
        return several.of_anomalies(several.offered(asked["code"]), asked["anomalies"])
    found = several.offers(asked["anomalies"])
    if not found:
        raise Undraftable(_("No correction of the console answers what you chose."))
    return several.of_anomalies(found[0], asked["anomalies"]) if len(found) == 1 else None


def _send_or_show(
    request: HtmxHttpRequest, target: Target, form: forms.Drafted, context: dict[str, Any]
) -> HttpResponse:
    status = UNPROCESSABLE if form.is_bound else 200
    if form.is_bound and form.is_valid():
        said = {"reason": form.cleaned_data["reason"], "seen": form.cleaned_data["seen"], "now": timezone.now()}
        try:
            return redirect(workflow.propose(target=target, proposer=request.user, correlation_id=request.id, **said))
        except workflow.AlreadyProposed as there_is:
            messages.warning(request, str(there_is))
            status = CONFLICT
        except (Refusal, Undraftable, SourceUnavailable) as why:
            context["refusal"], status = why, CONFLICT
    return render(request, PAGE, context | _drafted(target, form), status=status)


def _drafted(target: Target, form: forms.Drafted) -> dict[str, Any]:
    try:
        drafted = draft(target, now=timezone.now())
    except Undraftable as why:
        return {"refusal": why, "left_out": getattr(why, "left_out", ())}
    except SourceUnavailable as down:
        return {"unavailable": down}
    form.fields["seen"].initial = drafted.seen
    if form.is_bound:
        form.data = {**form.data.dict(), "seen": drafted.seen}
    return {"draft": drafted, "left_out": drafted.left_out}
