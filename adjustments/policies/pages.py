"""The policy on the screen: the rules, what would hold for an example, what waits for a second admin, what was."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from adjustments.people import Person
from adjustments.policies import changes, forms, renewal, wording
from adjustments.policies.models import Kind, PolicyChange, PolicyRule
from adjustments.policies.rules import most_specific
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, fragment_or_redirect, page_or_fragment

HISTORY = 50
UNPROCESSABLE = 422


@dataclass(frozen=True)
class Told:
    """A change in words, and what the reader may do with it."""

    change: PolicyChange
    title: str
    differences: list[wording.Term]
    concerned: int = 0  # requests that would begin anew
    is_mine: bool = False


@dataclass(frozen=True)
class Shown:
    rule: PolicyRule
    place: str
    caps: Any
    told: Any
    changes: PolicyChange | None  # what waits for a second admin


# Pages ---------------------------------------------------------------------------------------------------------------


@require_GET
@audience("read", "people")
def policy(request: HtmxHttpRequest) -> HttpResponse:
    return page_or_fragment(request, "policy/policy.html", board(request), fragment="board")


def board(request: HttpRequest) -> dict[str, Any]:
    pending = {change.place: change for change in PolicyChange.objects.pending()}
    rules = list(PolicyRule.objects.current().in_order())
    example = forms.ExampleForm(request.GET)
    return {
        "rules": [shown(rule, pending) for rule in rules],
        "example": example,
        "answer": answer(example, rules),
        "waiting": waiting(request.user),
        "history": history(),
        "refusing": forms.Said(auto_id=False),
        "now": timezone.now(),
    }


def shown(rule: PolicyRule, pending: dict[Any, PolicyChange] | None = None) -> Shown:
    place, caps = wording.place_words(rule), wording.caps_told(rule)
    return Shown(rule, place, caps, list(wording.told(rule)), (pending or {}).get(rule.place))


def answer(example: forms.ExampleForm, rules: list[PolicyRule]) -> Shown | None:
    """The rule that would hold for the example, once one is given."""
    if not example.is_valid() or not example.cleaned_data["what"]:
        return None
    return shown(most_specific(rules, **example.cleaned_data["request"]))


def waiting(reader: Person) -> list[Told]:
    found = PolicyChange.objects.pending().select_related("requested_by", "replaces").newest_first()
    return [
        told(change, concerned=renewal.would_renew(change), is_mine=change.requested_by_id == reader.pk)
        for change in found
    ]


def history() -> list[Told]:
    found = PolicyChange.objects.decided().select_related("requested_by", "decided_by", "replaces")
    return [told(change) for change in found.order_by("-decided_at", "-pk")[:HISTORY]]


def told(change: PolicyChange, **more: Any) -> Told:
    return Told(change, wording.title(change), wording.differences(change), **more)


# Asking --------------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@audience("people")
def add(request: HttpRequest) -> HttpResponse:
    house = changes.current_rule(system="", correction="", from_amount=0)
    form = forms.NewRuleForm(request.POST or None, initial=forms.shown(house))
    return _ask(request, Kind.ADD, form, {})


@require_http_methods(["GET", "HEAD", "POST"])
@audience("people")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    rule = get_object_or_404(PolicyRule.objects.current(), pk=pk)
    form = forms.TermsForm(request.POST or None, initial=forms.shown(rule), rule=rule)
    return _ask(request, Kind.CHANGE, form, {"shown": shown(rule)})


@require_http_methods(["GET", "HEAD", "POST"])
@audience("people")
def retire(request: HttpRequest, pk: int) -> HttpResponse:
    rule = get_object_or_404(PolicyRule.objects.current(), pk=pk)
    others = [one for one in PolicyRule.objects.current() if one.pk != rule.pk]
    instead = most_specific(others, system=rule.system, correction=rule.correction, amount=rule.from_amount)
    form = forms.Said(request.POST or None)
    return _ask(request, Kind.RETIRE, form, {"shown": shown(rule), "instead": instead and shown(instead)})


def _ask(request: HttpRequest, kind: Kind, form: Any, context: dict[str, Any]) -> HttpResponse:
    if form.is_valid():
        said = form.asked if kind != Kind.RETIRE else _retiring(context["shown"].rule, form)
        try:
            changes.ask(kind=kind, by=request.user, now=timezone.now(), **said)
        except changes.Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Asked. Nothing changes until another admin confirms."))
            return redirect("policy:policy")
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, "policy/ask.html", {"form": form, "kind": kind, **context}, status=status)


def _retiring(rule: PolicyRule, form: forms.Said) -> dict[str, Any]:
    place = dict(zip(("system", "correction", "from_amount"), rule.place, strict=True))
    return {**place, "reason": form.cleaned_data["reason"]}


# Deciding ------------------------------------------------------------------------------------------------------------


@require_POST
@audience("people")
def confirm(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    def verb(change: PolicyChange) -> str:
        renewed = changes.confirm(change=change, by=request.user, now=timezone.now())
        done = _("Confirmed; it holds from now on.")
        again = ngettext(
            "%(count)d waiting request begins anew, and those concerned are told.",
            "%(count)d waiting requests begin anew, and those concerned are told.",
            len(renewed),
        )
        return f"{done} {again % {'count': len(renewed)}}" if renewed else done

    return _decided(request, pk, verb)


@require_POST
@audience("people")
def refuse(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    form = forms.Said(request.POST)

    def verb(change: PolicyChange) -> str:
        if not form.is_valid():
            raise changes.Refusal(" ".join(form.errors["reason"]))
        changes.refuse(change=change, by=request.user, reason=form.cleaned_data["reason"], now=timezone.now())
        return _("Refused. Nothing changes.")

    return _decided(request, pk, verb)


@require_POST
@audience("people")
def withdraw(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    def verb(change: PolicyChange) -> str:
        changes.withdraw(change=change, by=request.user, now=timezone.now())
        return _("Withdrawn. Nothing changes.")

    return _decided(request, pk, verb)


def _decided(request: HtmxHttpRequest, pk: int, verb: Callable[[PolicyChange], str]) -> HttpResponse:
    """One verb on one change, and its answer or refusal as a message on the page as it is now."""
    change = get_object_or_404(PolicyChange.objects.select_related("requested_by", "replaces"), pk=pk)
    try:
        messages.success(request, verb(change))
    except changes.Refusal as refusal:
        messages.warning(request, str(refusal))
    if not request.htmx:
        return redirect("policy:policy")
    return fragment_or_redirect(request, "policy/policy.html#board", board(request), to="policy:policy")
