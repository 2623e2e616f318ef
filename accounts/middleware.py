"""Every request passes here: who may see this view."""

import logging
from collections.abc import Callable

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import get_resolver
from django.utils.translation import gettext as _

from accounts.borrowed import borrowed_audience
from accounts.roles import roles_for
from accounts.second_factor import send_to_enrolment

logger = logging.getLogger(__name__)

Answer = Callable[[HttpRequest], HttpResponse]


def audience_of(view: Callable) -> tuple[str, ...] | None:
    """The capabilities of which a reader of this view needs one. None: nobody said, so nobody may."""
    return getattr(view, "audience", None) or borrowed_audience(view)


class AudienceMiddleware:
    """Refuses a view to whoever is not in its audience, and to everybody when it names none."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable, args: tuple, kwargs: dict) -> HttpResponse | None:
        audience = audience_of(view)
        if not audience:
            logger.error("%s names no audience and was refused", getattr(view, "__qualname__", view))
            return refuse(request, ())
        if "public" in audience:
            return None
        if not request.user.is_authenticated:
            return ask_to_sign_in(request)
        if any(map(request.user.may, audience)):
            return None
        return send_to_enrolment(request) if request.user.awaits_second_factor else refuse(request, audience)


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, and back to what was asked for where that can be asked for again."""
    if request.htmx:  # the whole page goes there, not the fragment that was asked for
        answer = redirect_to_login(request.htmx.current_url_abs_path or "/")
        return HttpResponse(status=204, headers={"HX-Redirect": answer.url})
    return redirect_to_login(request.get_full_path() if request.method in ("GET", "HEAD") else "/")


def refuse(request: HttpRequest, audience: tuple[str, ...]) -> HttpResponse:
    """To one's own first page instead of the console's, and elsewhere a sentence that says for whom this opens."""
    if request.path == "/" and request.user.is_authenticated:
        return redirect(request.user.home)
    roles = ", ".join(str(role.label) for role in roles_for(audience))
    sentence = _("This opens for: %(roles)s. Who needs another role asks an admin; a second admin confirms it.")
    reason = sentence % {"roles": roles} if roles else _("This page opens for nobody.")
    # Answered, not raised: who may not see a page is nothing that went wrong.
    return get_resolver().resolve_error_handler(403)(request, exception=PermissionDenied(reason))
