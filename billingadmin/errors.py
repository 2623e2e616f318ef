"""The pages for what went wrong. Each says what happened, what holds, and the id under which the logs know it."""

import sys

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The text of a PermissionDenied of ours is a sentence for the reader."""
    return _in_its_place(request, "403.html", {"reason": str(exception)}, status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _in_its_place(request, "404.html", {}, status=404)


def unrecorded(request: HttpRequest, why: str) -> HttpResponse:
    """Also where a part of a page was asked for: nothing of the page it is on can be relied on to have happened."""
    response = _in_its_place(request, "unrecorded.html", {"reason": why}, status=409)
    if getattr(request, "htmx", False):
        response["HX-Retarget"], response["HX-Reswap"] = "body", "innerHTML"
    return response


def _in_its_place(request: HttpRequest, template: str, context: dict[str, str], *, status: int) -> HttpResponse:
    """With navigation and search for who is signed in; a page of its own for everybody else, or when the database that
    knows them does not answer."""
    told = {**context, "request_id": getattr(request, "id", ""), "back": _back(request)}
    try:
        person = getattr(request, "user", None)
        frame = "framed.html" if person is not None and person.is_authenticated else "plain.html"
        return render(request, template, {**told, "frame": frame}, status=status)
    except (DatabaseError, InterfaceError):
        return HttpResponse(render_to_string(template, {**told, "frame": "plain.html"}), status=status)


def _back(request: HttpRequest) -> str:
    """Where the person came from, if that was a page of this console."""
    came_from = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    return came_from if ours and came_from != request.build_absolute_uri() else ""


def server_error(request: HttpRequest) -> HttpResponse:
    """Asks nothing of the database, which may be what failed: then it is a 503, and trying again is right."""
    down = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    context = {"request_id": getattr(request, "id", "")}
    response = HttpResponse(render_to_string("503.html" if down else "500.html", context), status=503 if down else 500)
    if down:
        response["Retry-After"] = "10"
    return response
