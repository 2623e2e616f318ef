"""The page of a subject, anomalous or not: what it is, why (or why not) each rule finds it, and its timeline."""

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from anomalies.contributions import subject_target
from anomalies.portrait import portrait
from anomalies.rooms import kind_of, system_of
from audit.log import record
from billingadmin.audience import audience
from systems.base import SubjectKind, System


@require_GET
@audience("read")
def subject(request: HttpRequest, slug: str, kind: str, subject: str) -> HttpResponse:
    system, found, known = _recognised(slug, kind, subject)
    if known != subject:
        return HttpResponseRedirect(resolve_url("anomalies:subject", slug, kind, known))
    context = portrait(request, system, found, known, now=timezone.now())
    return render(request, "subjects/subject.html", context)


@require_POST
@audience("unmask")
def unmask(request: HttpRequest, slug: str, kind: str, subject: str) -> HttpResponse:
    system, found, known = _recognised(slug, kind, subject)
    with transaction.atomic():
        record(
            actor=request.user.actor,
            action_type="subject_unmasked",
            target_type="subject",
            target_id=subject_target(slug, kind, known),
            system=slug,
        )
    context = portrait(request, system, found, known, now=timezone.now(), clear=True)
    response = render(request, "subjects/subject.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _recognised(slug: str, kind: str, text: str) -> tuple[System, SubjectKind, str]:
    system = system_of(slug)
    found = kind_of(system, kind)
    known = found.recognise(text) if found else None
    if system is None or found is None or known is None:
        raise Http404(f"no {kind} of {slug} is called that")
    return system, found, known
