"""The reader's zone and language, from the first screen on: the person's own, else what the browser asks for."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

GetResponse = Callable[[HttpRequest], HttpResponse]


def reader_middleware(get_response: GetResponse) -> GetResponse:
    """After authentication, and after LocaleMiddleware, whose guess holds for whoever is not signed in.

    Both are set for each request and left set: a CSV streams after the view has returned.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        activate(getattr(request.user, "zone", ""), getattr(request.user, "language", ""))
        request.LANGUAGE_CODE = translation.get_language()
        return get_response(request)

    return middleware


def activate(zone: str, language: str) -> None:
    try:
        timezone.activate(ZoneInfo(zone or settings.TIME_ZONE))
    except (ZoneInfoNotFoundError, ValueError):
        timezone.deactivate()
    if language in dict(settings.LANGUAGES):
        translation.activate(language)
