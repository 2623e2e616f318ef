"""What is frozen, what waits under it and until when; freezing after a look at what it would hold; letting go on."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from adjustments.forms import Reason
from adjustments.freezes import freezing
from adjustments.freezes.forms import FreezeForm, ScopeForm
from adjustments.freezes.models import Freeze, Thaw
from adjustments.freezes.waiting import waiting_under
from adjustments.freezes.wording import words
from adjustments.standing import Refusal
from audit.models import Entry
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, page_or_fragment

HISTORY = 50
CONFLICT, UNPROCESSABLE = 409, 422


@require_GET
@audience("read")
def freezes(request: HtmxHttpRequest) -> HttpResponse:
    known = Freeze.objects.select_related("frozen_by").prefetch_related("thaws__asked_by", "thaws__decided_by")
    active = list(known.active().newest_first())
    context = {
        "frozen": [{"freeze": one, "waiting": waiting_under(one.scope)} for one in active],
        "lifted": known.lifted().newest_first()[:HISTORY],
        "now": timezone.now(),
    }
    return page_or_fragment(request, "freezes/freezes.html", context, fragment="board")


@require_http_methods(["GET", "HEAD", "POST"])
@audience("switch")
def new(request: HtmxHttpRequest) -> HttpResponse:
    """First what it would hold; then, with a reason, the freeze."""
    if request.method == "POST":
        return _freeze(request, FreezeForm(request.POST))
    return render(request, "freezes/new.html", _preview(ScopeForm(request.GET)))


def _freeze(request: HtmxHttpRequest, form: FreezeForm) -> HttpResponse:
    if not form.is_valid():
        return render(request, "freezes/new.html", _preview(form, freezing=form), status=UNPROCESSABLE)
    try:
        asked = {"scope": form.scope, "reason": form.cleaned_data["reason"], "now": timezone.now()}
        frozen = freezing.freeze(person=request.user, **asked)
    except Refusal as refusal:
        form.add_error(None, str(refusal))
        return render(request, "freezes/new.html", _preview(form, freezing=form), status=CONFLICT)
    messages.success(request, _("Frozen. Nothing of this is approved or posted until two people lift it."))
    return redirect(frozen)


def _preview(form: ScopeForm, freezing: FreezeForm | None = None) -> dict[str, Any]:
    """What a freeze of this scope would hold, where the scope can be understood."""
    form.is_valid()
    scope = None if set(form.errors) & set(ScopeForm.base_fields) else form.scope
    return {
        "form": form,
        "freezing": freezing or FreezeForm(),
        "scope": scope,
        "words": words(scope) if scope else "",
        "waiting": waiting_under(scope) if scope else None,
        "now": timezone.now(),
    }


@require_GET
@audience("read")
def freeze(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    return _page(request, _found(pk))


@require_POST
@audience("thaw")
def ask(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    found = _found(pk)

    def verb(reason: str) -> str:
        freezing.ask(freeze=found, person=request.user, reason=reason, now=timezone.now())
        return _("Asked. It stays frozen until another approver confirms.")

    return _reasoned(request, found, verb)


@require_POST
@audience("thaw")
def confirm(request: HtmxHttpRequest, pk: int, thaw: int) -> HttpResponse:
    def verb(asked: Thaw) -> str:
        freezing.confirm(thaw=asked, person=request.user, now=timezone.now())
        return _("Lifted. What waited goes on by itself.")

    return _decided(request, pk, thaw, verb)


@require_POST
@audience("thaw")
def refuse(request: HtmxHttpRequest, pk: int, thaw: int) -> HttpResponse:
    asked = get_object_or_404(Thaw, pk=thaw, freeze=pk)

    def verb(reason: str) -> str:
        freezing.refuse(thaw=asked, person=request.user, reason=reason, now=timezone.now())
        return _("Refused. It stays frozen.")

    return _reasoned(request, _found(pk), verb)


@require_POST
@audience("thaw")
def withdraw(request: HtmxHttpRequest, pk: int, thaw: int) -> HttpResponse:
    def verb(asked: Thaw) -> str:
        freezing.withdraw(thaw=asked, person=request.user, now=timezone.now())
        return _("Withdrawn. It stays frozen.")

    return _decided(request, pk, thaw, verb)


def _decided(request: HtmxHttpRequest, pk: int, thaw: int, verb: Callable[[Thaw], str]) -> HttpResponse:
    asked = get_object_or_404(Thaw.objects.select_related("asked_by", "freeze"), pk=thaw, freeze=pk)
    try:
        messages.success(request, verb(asked))
    except Refusal as refusal:
        messages.warning(request, str(refusal))
        return _page(request, _found(pk), status=CONFLICT)
    return redirect("freezes:freeze", pk)


def _reasoned(request: HtmxHttpRequest, found: Freeze, verb: Callable[[str], str]) -> HttpResponse:
    form = Reason(request.POST)
    if not form.is_valid():
        return _page(request, found, form=form, status=UNPROCESSABLE)
    try:
        messages.success(request, verb(form.cleaned_data["reason"]))
    except Refusal as refusal:
        messages.warning(request, str(refusal))
        return _page(request, _found(found.pk), form=form, status=CONFLICT)
    return redirect(found)


def _found(pk: int) -> Freeze:
    known = Freeze.objects.select_related("frozen_by").prefetch_related("thaws__asked_by", "thaws__decided_by")
    return get_object_or_404(known, pk=pk)


def _page(request: HttpRequest, found: Freeze, form: Reason | None = None, status: int = 200) -> HttpResponse:
    thaws = list(found.thaws.all())
    context = {
        "freeze": found,
        "waiting": waiting_under(found.scope) if found.is_active else None,
        "asked": next((one for one in thaws if one.state == "pending"), None),
        "decided": [one for one in thaws if one.state != "pending"],
        "form": form or Reason(),
        "entries": Entry.objects.about("freeze", found.pk).newest_first()[:HISTORY],
        "now": timezone.now(),
    }
    return render(request, "freezes/freeze.html", context, status=status)
