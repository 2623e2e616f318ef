"""People: who is here, in which roles, and what waits for a second admin."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import changes
from accounts.forms import ChangeForm, InviteForm, RefusalForm
from accounts.models import Person, PersonChange
from accounts.roles import Role, table
from accounts.welcome import welcome
from audit.models import Entry
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, fragment_or_redirect, page_or_fragment

HISTORY = 20  # entries shown on a person's page


@dataclass(frozen=True)
class Waiting:
    """A change that waits, and what the reader may do with it."""

    change: PersonChange
    is_mine: bool
    may_decide: bool


def waiting_for(reader: Person, **which: object) -> list[Waiting]:
    pending = PersonChange.objects.pending().filter(**which).select_related("person", "requested_by")
    return [
        Waiting(
            change,
            is_mine=change.requested_by_id == reader.pk,
            may_decide=reader.pk not in (change.requested_by_id, change.person_id),
        )
        for change in pending.newest_first()
    ]


# Pages ---------------------------------------------------------------------------------------------------------------


@require_GET
@audience("people")
def people(request: HtmxHttpRequest) -> HttpResponse:
    return page_or_fragment(request, "accounts/people.html", board(request), fragment="board")


def board(request: HttpRequest) -> dict[str, object]:
    return {
        "people": Person.objects.by_name().select_related("membership").prefetch_related("grants"),
        "waiting": waiting_for(request.user),
        "refusal_form": RefusalForm(auto_id=False),
        "role_table": table(),
        "roles": list(Role),
        "now": timezone.now(),
    }


@require_GET
@audience("people")
def person(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Person.objects.prefetch_related("grants__granted_by"), pk=pk)
    return render(request, "accounts/person.html", person_context(request, found, ChangeForm(found)))


def person_context(request: HttpRequest, found: Person, form: ChangeForm) -> dict[str, object]:
    return {
        "person": found,
        "form": form,
        "waiting": waiting_for(request.user, person=found),
        "refusal_form": RefusalForm(auto_id=False),
        "entries": Entry.objects.about("person", found.pk).newest_first()[:HISTORY],
        "now": timezone.now(),
    }


@require_http_methods(["GET", "POST"])
@audience("people")
def invite(request: HttpRequest) -> HttpResponse:
    form = InviteForm(request.POST or None)
    if not form.is_valid():
        return render(request, "accounts/invite.html", {"form": form}, status=422 if form.is_bound else 200)
    try:
        change = changes.invite(**form.cleaned_data, by=request.user, now=timezone.now())
    except changes.Refusal as refusal:
        form.add_error(None, str(refusal))
        return render(request, "accounts/invite.html", {"form": form}, status=422)
    messages.success(request, _("%s can sign in once another admin has confirmed.") % change.person.name)
    return redirect("people:people")


# Verbs ---------------------------------------------------------------------------------------------------------------


@require_POST
@audience("people")
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Person.objects.prefetch_related("grants__granted_by"), pk=pk)
    form = ChangeForm(found, request.POST)
    if form.is_valid():
        try:
            changes.request(person=found, **form.change(), by=request.user, now=timezone.now())
        except changes.Refusal as refusal:
            form.add_error(None, str(refusal))
    if form.errors:
        return render(request, "accounts/person.html", person_context(request, found, form), status=422)
    messages.success(request, _("Asked. Nothing changes until another admin confirms."))
    return redirect("people:person", found.pk)


@require_POST
@audience("people")
def confirm(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    def verb(change: PersonChange) -> str:
        changes.confirm(change=change, by=request.user, now=timezone.now())
        return welcome(change, request) or _("Confirmed: %s.") % change

    return decided(request, pk, verb)


@require_POST
@audience("people")
def refuse(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    form = RefusalForm(request.POST)

    def verb(change: PersonChange) -> str:
        if not form.is_valid():
            raise changes.Refusal(" ".join(form.errors["reason"]))
        changes.refuse(change=change, by=request.user, reason=form.cleaned_data["reason"], now=timezone.now())
        return _("Refused: %s.") % change

    return decided(request, pk, verb)


@require_POST
@audience("people")
def withdraw(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    def verb(change: PersonChange) -> str:
        changes.withdraw(change=change, by=request.user, now=timezone.now())
        return _("Withdrawn: %s.") % change

    return decided(request, pk, verb)


def decided(request: HtmxHttpRequest, pk: int, verb: Callable[[PersonChange], str]) -> HttpResponse:
    """One verb on one change, and its answer or refusal as a message on the board as it is now."""
    change = get_object_or_404(PersonChange.objects.select_related("person", "requested_by"), pk=pk)
    try:
        messages.success(request, verb(change))
    except changes.Refusal as refusal:
        messages.warning(request, str(refusal))
    if not request.htmx:
        return fragment_or_redirect(request, "", {}, to="people:people")
    return fragment_or_redirect(request, "accounts/people.html#board", board(request), to="people:people")
