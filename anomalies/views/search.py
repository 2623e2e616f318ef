"""Search by any id, in all systems at once."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_GET

from anomalies.listing import listed
from anomalies.search import Hit, search
from billingadmin.audience import audience

LONGEST = 400


@require_GET
@audience("read")
def results(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    now = timezone.now()
    found = search(text, now=now) if text else None
    if found and found.only:
        hit = found.only
        if not isinstance(hit, Hit):
            return HttpResponseRedirect(hit["url"])
        return HttpResponseRedirect(resolve_url("anomalies:subject", hit.system.slug, hit.match.kind, hit.match.id))
    context = {
        "search_text": text,
        "found": found,
        "anomalies": listed(found.anomalies) if found else [],
        "now": now,
    }
    return render(request, "search/results.html", context)
