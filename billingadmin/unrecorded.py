"""What cannot be recorded is not done, and whoever asked for it reads why."""

from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audit import readiness
from billingadmin.errors import unrecorded


class UnrecordedMiddleware:
    """Asked only when a view has failed in the database: its transaction is rolled back by then."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if request.method == "GET" or not isinstance(exception, DatabaseError):
            return None
        why = _why_not()
        return unrecorded(request, why) if why else None


def _why_not() -> str:
    try:
        return readiness.why_not(timezone.now())
    except DatabaseError:
        return ""  # the database as a whole is in trouble, which has a page of its own
