"""All switches, and one: how it stands, flipping it, reviewing what others flipped, and its history."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from adjustments.standing import Refusal
from adjustments.switches import flipping
from adjustments.switches.forms import FlipForm, ReviewForm
from adjustments.switches.models import Flip, FlipState, Opinion
from adjustments.switches.standing import standing, standings
from audit.models import Entry
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, page_or_fragment
from systems import registry
from systems.base import NotOffered, Switch, System

CONFLICT, UNPROCESSABLE = 409, 422
HISTORY = 20


@require_GET
@audience("read")
def switches(request: HtmxHttpRequest) -> HttpResponse:
    now = timezone.now()
    rooms = [(system, list(standings(system, now).values())) for system in registry.all_systems() if system.switches]
    context = {"rooms": rooms, "now": now}
    return page_or_fragment(request, "switches/switches.html", context, fragment="board")


@require_GET
@audience("read")
def switch(request: HtmxHttpRequest, slug: str, code: str) -> HttpResponse:
    context = _context(request, *_found(slug, code))
    return page_or_fragment(request, "switches/switch.html", context, fragment="standing")


@require_POST
@audience("switch")
def flip(request: HtmxHttpRequest, slug: str, code: str) -> HttpResponse:
    system, found = _found(slug, code)
    now = timezone.now()
    form = FlipForm(found, now, request.POST)
    if not form.is_valid():
        return _page(request, system, found, UNPROCESSABLE, form=form)
    try:
        asked = {"system": system, "switch": found, "person": request.user, "now": now}
        flipped = flipping.flip(**asked, **form.cleaned_data)
    except Refusal as refusal:
        form.add_error(None, str(refusal))
        return _page(request, system, found, CONFLICT, form=form)
    done = flipped.state == FlipState.DONE
    messages.success(request, _("Flipped.") if done else _("The worker flips it now; this page shows what came of it."))
    return redirect(flipped)


@require_POST
@audience("thaw")
def review(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    flipped = get_object_or_404(Flip, pk=pk)
    system, found = _found(flipped.system, flipped.switch)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _page(request, system, found, UNPROCESSABLE, reviewing=(flipped.pk, form))
    try:
        said = {**form.cleaned_data, "opinion": Opinion(form.cleaned_data["opinion"])}
        flipping.review(flip=flipped, person=request.user, now=timezone.now(), **said)
    except Refusal as refusal:
        messages.warning(request, str(refusal))
        return _page(request, system, found, CONFLICT)
    messages.success(request, _("Your review is recorded."))
    return redirect(flipped)


def _found(slug: str, code: str) -> tuple[System, Switch]:
    try:
        system = registry.get(slug)
        return system, system.switch(code)
    except (registry.UnknownSystem, NotOffered) as error:
        raise Http404 from error


def _page(request: HttpRequest, system: System, switch: Switch, status: int, **typed: Any) -> HttpResponse:
    return render(request, "switches/switch.html", _context(request, system, switch, **typed), status=status)


def _context(
    request: HttpRequest,
    system: System,
    switch: Switch,
    form: FlipForm | None = None,
    reviewing: tuple[int, ReviewForm] | None = None,
) -> dict[str, Any]:
    now = timezone.now()
    stands = standing(system, switch, now)
    typed = dict([reviewing] if reviewing else [])
    return {
        "system": system,
        "stands": stands,
        "flips": [(one, switch.label(one.value)) for one in stands.flips],
        "form": form or FlipForm(switch, now),
        "reviews": [
            {
                "flip": one,
                "label": switch.label(one.value),
                "form": typed.get(one.pk) or ReviewForm(auto_id=f"r{one.pk}_%s"),
            }
            for one in stands.to_review
        ],
        "entries": Entry.objects.about("switch", f"{system.slug}:{switch.code}").newest_first()[:HISTORY],
        "now": now,
    }
