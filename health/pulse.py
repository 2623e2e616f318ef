"""Whether this process lives, and whether it can serve: for whoever starts and watches it. One word, no sign-in."""

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from billingadmin.audience import audience
from health.models import Reading

PLAIN = "text/plain"


@never_cache
@require_safe
@audience("public")
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type=PLAIN)


@never_cache
@require_safe
@audience("public")
def readyz(request: HttpRequest) -> HttpResponse:
    """Ready when the console's database answers and has its tables."""
    try:
        Reading.objects.exists()
    except DatabaseError:
        return HttpResponse("unready\n", status=503, content_type=PLAIN)
    return HttpResponse("ready\n", content_type=PLAIN)
