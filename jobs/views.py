from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, fragment_or_redirect, page_or_fragment
from billingadmin.paging import keyset_page
from jobs import asking, overview, queue, registry
from jobs import letters as post
from jobs.models import JobRun, Letter
from jobs.registry import Job
from jobs.scheduler import scheduler


@require_GET
@audience("read")
def jobs(request: HtmxHttpRequest) -> HttpResponse:
    context = _jobs_context(timezone.now())
    return page_or_fragment(request, "jobs/jobs.html", context, fragment="region")


@require_GET
@audience("read")
def job(request: HtmxHttpRequest, name: str) -> HttpResponse:
    now = timezone.now()
    cursors = {end: request.GET.get(end, "") for end in ("after", "before")}
    found = _job(name)
    context = {
        "standing": overview.standings([found], now)[0],
        "page": keyset_page(JobRun.objects.of(name), by=("-slot", "-pk"), **cursors),
        "scheduler": scheduler(now),
        "now": now,
    }
    return page_or_fragment(request, "jobs/job.html", context, fragment="region")


@require_POST
@audience("triage")
def run(request: HtmxHttpRequest, name: str) -> HttpResponse:
    found, now = _job(name), timezone.now()
    try:
        asking.run_now(job=found, actor=request.user.actor, now=now, correlation_id=request.id)
        messages.success(request, _asked(found, now))
    except asking.AlreadyAsked as refusal:
        messages.warning(request, str(refusal))
    return fragment_or_redirect(request, "jobs/jobs.html#region", _jobs_context(now), to="jobs:jobs")


@require_POST
@audience("triage")
def retry(request: HtmxHttpRequest, task_id: int) -> HttpResponse:
    now = timezone.now()
    try:
        task = asking.retry(task_id=task_id, actor=request.user.actor, now=now, correlation_id=request.id)
        messages.success(request, _("%s is back in the queue.") % task.name)
    except asking.AlreadyAsked as refusal:
        messages.warning(request, str(refusal))
    return fragment_or_redirect(request, "jobs/jobs.html#region", _jobs_context(now), to="jobs:jobs")


@require_GET
@audience("read")
def letters(request: HtmxHttpRequest) -> HttpResponse:
    now = timezone.now()
    cursors = {end: request.GET.get(end, "") for end in ("after", "before")}
    page = keyset_page(Letter.objects.defer("body", "footer"), by=("-written_at", "-pk"), **cursors)
    context = {"page": page, "post": post.post(), "now": now}
    return page_or_fragment(request, "jobs/letters.html", context, fragment="region")


@require_GET
@audience("read")
def letter(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    context = {"letter": get_object_or_404(Letter, pk=pk), "post": post.post(), "now": timezone.now()}
    return render(request, "jobs/letter.html", context)


@require_POST
@audience("triage")
def send_again(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Letter, pk=pk)
    try:
        asking.send_again(letter=found, actor=request.user.actor, now=timezone.now(), correlation_id=request.id)
        messages.success(request, _("The letter is sent in a moment."))
    except asking.AlreadyAsked as refusal:
        messages.warning(request, str(refusal))
    return redirect(found)


def _jobs_context(now: datetime) -> dict[str, Any]:
    return {
        "standings": overview.standings(registry.all_jobs(), now),
        "scheduler": scheduler(now),
        "failed_tasks": queue.failed_tasks(),
        "post": post.post(),
        "now": now,
    }


def _job(name: str) -> Job:
    try:
        return registry.get(name)
    except registry.UnknownJob as unknown:
        raise Http404(str(unknown)) from None


def _asked(job: Job, now: datetime) -> str:
    if scheduler(now).worker_count:
        return _("%s runs in a moment.") % job.name
    return _("%s waits in the queue: no worker is there to take it up.") % job.name
