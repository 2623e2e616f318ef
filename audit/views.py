"""The audit log to read: newest first, one entry, and for auditors its verification and export."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from audit import comparison, reading, trust
from audit import export as whole_export
from audit.filters import EntryFilter
from audit.log import record
from audit.models import Entry
from audit.verification import Finding, Verdict, verify
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, csv_response, page_or_fragment
from billingadmin.paging import keyset_page

EXPORTED = (
    *("position", "at", "actor_id", "actor", "action_type", "target_type", "target_id", "outcome", "reason"),
    *("job_id", "tx_id", "system", "correlation_id", "canonical", "previous_hash", "hash"),
)
IN_A_BROWSER = 100_000  # entries verified while somebody waits; the command verifies all


@require_GET
@audience("read")
def entries(request: HtmxHttpRequest) -> HttpResponse:
    form, now = EntryFilter(request.GET), timezone.now()
    note(request, "search", form.asked())
    found = form.apply(Entry.objects.all())
    page = keyset_page(
        found, by=("-position",), after=request.GET.get("after", ""), before=request.GET.get("before", "")
    )
    context = {
        "form": form,
        "asked": form.asked(),
        "page": page,
        "verified": latest_verification(),
        "state": trust.state(now) if request.user.may("audit") and not request.htmx else None,
        "now": now,
    }
    return page_or_fragment(request, "audit/entries.html", context, fragment="list")


def note(request: HttpRequest, what: str, asked: dict[str, Any]) -> None:
    """Reading the log is itself recorded, beside the chain (audit/reading.py)."""
    reading.note(request.user.actor, what, now=timezone.now(), asked=asked)


def latest_verification() -> Entry | None:
    return Entry.objects.filter(action_type="audit_log_verified").newest_first().first()


@require_GET
@audience("read")
def entry(request: HttpRequest, position: int) -> HttpResponse:
    found = get_object_or_404(Entry, pk=position)
    note(request, "entry", {"position": position})
    around = {each.position: each for each in Entry.objects.filter(pk__in=(position - 1, position + 1))}
    context = {
        "entry": found,
        "changed": comparison.changed(found.metadata),
        "details": comparison.rest(found.metadata),
        "previous": around.get(position - 1),
        "following": around.get(position + 1),
        "now": timezone.now(),
    }
    return render(request, "audit/entry.html", context)


@require_POST
@audience("audit")
def export(request: HttpRequest) -> HttpResponse:
    """Everything the filter shows, up to the entry that says it was exported."""
    form = EntryFilter(request.POST)
    asked = {name: str(value) for name, value in form.asked().items()}
    with transaction.atomic():
        position = record(actor=request.user.actor, action_type="audit_log_exported", metadata={"filter": asked})
    found = form.apply(Entry.objects.filter(position__lt=position)).newest_first()
    return csv_response(f"audit-log-to-{position - 1}.csv", EXPORTED, rows(found))


@require_POST
@audience("audit")
def whole(request: HttpRequest) -> StreamingHttpResponse:
    """All of it, with its manifest and a verifier, for somebody who trusts neither us nor the database."""
    last = whole_export.begin(request.user.actor)
    pieces = whole_export.archive(last, timezone.now())
    name = f"audit-log-to-{last}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(pieces, content_type="application/zip", headers=headers)


def rows(found: Any) -> Iterator[tuple[Any, ...]]:
    return found.values_list(*EXPORTED).iterator(chunk_size=2_000)


@require_POST
@audience("audit")
def verification(request: HttpRequest) -> HttpResponse:
    head = Entry.objects.newest_first().first()
    finding = verify(after=max(0, head.position - IN_A_BROWSER) if head else 0, fast=True)
    outcome = "done" if finding.verdict == Verdict.INTACT else "failed"
    with transaction.atomic():
        record(actor=request.user.actor, action_type="audit_log_verified", outcome=outcome, metadata=finding.as_dict())
    say(request, finding)
    return redirect("audit:entries")


def say(request: HttpRequest, finding: Finding) -> None:
    facts = {"count": f"{finding.entries:,}", "position": finding.position, "why": finding.why}
    if finding.verdict == Verdict.INTACT:
        messages.success(request, _("Intact: %(count)s entries up to position %(position)s.") % facts)
    elif finding.verdict == Verdict.BROKEN:
        messages.error(request, _("Broken at position %(position)s. %(why)s") % facts)
    else:
        messages.warning(request, _("Cannot tell. %(why)s") % facts)
