"""The page of one anomaly."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from anomalies.dossier import dossier
from anomalies.models import Anomaly
from audit.log import record
from billingadmin.audience import audience


@require_GET
@audience("read")
def anomaly(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Anomaly.objects.select_related("owner", "decided_by"), pk=pk)
    return render(request, "anomalies/anomaly.html", dossier(request, found, now=timezone.now()))


@require_POST
@audience("unmask")
def unmask(request: HttpRequest, pk: int) -> HttpResponse:
    """The same page with what is about a person as it is, this once; and an entry that says who saw it."""
    found = get_object_or_404(Anomaly.objects.select_related("owner", "decided_by"), pk=pk)
    with transaction.atomic():
        record(
            actor=request.user.actor,
            action_type="anomaly_unmasked",
            target_type="anomaly",
            target_id=str(found.pk),
            system=found.system,
        )
    response = render(request, "anomalies/anomaly.html", dossier(request, found, now=timezone.now(), clear=True))
    response["Cache-Control"] = "no-store"
    return response
