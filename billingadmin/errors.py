"""The pages for what went wrong. Each says what happened, what holds, and the id under which the logs know it."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The text of a PermissionDenied of ours is a sentence for the reader."""
    return render(request, "403.html", {"reason": str(exception)}, status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Asks nothing of the database, which may be what failed: then it is a 503, and trying again is right."""
    down = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    context = {"request_id": getattr(request, "id", "")}
    response = HttpResponse(render_to_string("503.html" if down else "500.html", context), status=503 if down else 500)
    if down:
        response["Retry-After"] = "10"
    return response
