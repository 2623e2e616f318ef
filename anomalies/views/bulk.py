"""Claim, snooze or dismiss what is ticked in the queue. Who dismisses says why, once for all of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from anomalies import triage
from anomalies.bulk import each, picked
from anomalies.forms import DismissForm, SnoozeForm
from anomalies.listing import listed
from anomalies.models import Anomaly
from billingadmin.audience import audience
from billingadmin.http import next_or

LEADS = {"claim": "owner=me", "snooze": "state=snoozed", "dismiss": "state=dismissed"}  # where they are then


@require_POST
@audience("triage")
def bulk(request: HttpRequest) -> HttpResponse:
    verb, chosen = request.POST.get("verb", ""), picked(request.POST.getlist("pick"))
    if verb not in LEADS or not chosen:
        messages.warning(request, _("Choose some anomalies first."))
        return HttpResponseRedirect(next_or(request, "anomalies:queue"))
    form = _form(verb, chosen, request.POST if "sure" in request.POST else None)
    if form is not None and not form.is_valid():
        return _page(request, verb, status=422 if form.is_bound else 200, form=form, rows=listed(chosen))
    try:
        outcomes = each(chosen, _act(verb, form, request.user, timezone.now()))
    except triage.Unfit as unfit:
        form.add_error(unfit.field if unfit.field in form.fields else None, str(unfit))
        return _page(request, verb, status=422, form=form, rows=listed(chosen))
    if all(outcome.state == "done" for outcome in outcomes):
        return _back(request, verb, len(outcomes))
    return _page(request, verb, outcomes=outcomes)


def _back(request: HttpRequest, verb: str, count: int) -> HttpResponse:
    """To the queue as it was, with a word of what was done and a link to where it now is."""
    told = format_html(
        '{} <a href="{}?{}">{}</a>', _done(verb, count), reverse("anomalies:queue"), LEADS[verb], _("See")
    )
    messages.success(request, told)
    return HttpResponseRedirect(next_or(request, "anomalies:queue"))


def _done(verb: str, count: int) -> str:
    words = {
        "claim": ngettext("%(count)d anomaly is yours.", "%(count)d anomalies are yours.", count),
        "snooze": ngettext("%(count)d anomaly is snoozed.", "%(count)d anomalies are snoozed.", count),
        "dismiss": ngettext("%(count)d anomaly is dismissed.", "%(count)d anomalies are dismissed.", count),
    }
    return words[verb] % {"count": count}


def _page(request: HttpRequest, verb: str, *, status: int = 200, **context: Any) -> HttpResponse:
    back = next_or(request, "anomalies:queue")
    return render(request, "anomalies/bulk.html", {"verb": verb, "next": back, **context}, status=status)


def _form(verb: str, chosen: list[Anomaly], data: Any) -> Form | None:
    if verb == "snooze":
        units = {anomaly.unit for anomaly in chosen}
        return SnoozeForm(data, unit=units.pop() if len(units) == 1 else None, prefix="bulk")
    return DismissForm(data, prefix="bulk") if verb == "dismiss" else None


def _act(verb: str, form: Form | None, by: Any, now: datetime) -> Callable[[Anomaly], bool]:
    if verb == "claim":
        return lambda anomaly: triage.claim(anomaly=anomaly, by=by, now=now)
    if verb == "snooze":
        return lambda anomaly: triage.snooze(anomaly=anomaly, by=by, now=now, **form.limits(now))
    told = {name: form.cleaned_data[name] for name in ("reason", "note")}
    return lambda anomaly: triage.dismiss(anomaly=anomaly, by=by, now=now, **told)
