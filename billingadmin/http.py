"""What views have in common on the wire: pages and their fragments, CSV, cursors, where to go next."""

import base64
import binascii
import csv
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import trigger_client_event
from django_htmx.middleware import HtmxDetails

BOM = "\ufeff"  # Excel reads UTF-8 only when told
NUMBER = re.compile(r"-\d+(\.\d+)?")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class HtmxHttpRequest(HttpRequest):
    htmx: HtmxDetails


class BadCursor(ValueError):
    """The cursor is not one we gave. Calm answer: the first page."""


# Pages and fragments


def wants_fragment(request: HtmxHttpRequest) -> bool:
    """Whether htmx asked for a piece. Boosted links and a restored history want the whole page."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def page_or_fragment(
    request: HtmxHttpRequest, template: str, context: Mapping[str, Any], *, fragment: str, status: int = 200
) -> HttpResponse:
    """The page, or for htmx its fragment, from one template and one URL. The server names the fragment."""
    if wants_fragment(request):
        response = with_messages(request, render(request, f"{template}#{fragment}", context, status=status))
    else:
        response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def fragment_or_redirect(
    request: HtmxHttpRequest, template: str, context: Mapping[str, Any], *, to: str, event: str = ""
) -> HttpResponse:
    """After a POST that did its work: for htmx the changed fragment and one event, for everyone else a redirect.

    ``template`` names the fragment ("anomalies/queue.html#row"), ``to`` is what ``redirect()`` would take.
    """
    if not wants_fragment(request):
        return HttpResponseRedirect(next_or(request, to))
    response = with_messages(request, render(request, template, context))
    return trigger_client_event(response, event) if event else response


def with_messages(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A fragment brings what was said to the reader along, out of band."""
    if len(get_messages(request)):
        response.write(render_to_string("parts/messages.html", {"oob": True}, request))
    return response


def next_or(request: HttpRequest, default: str) -> str:
    """Where the form asked to go next, if it is on this site; otherwise ``default``."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else resolve_url(default)


# CSV


def csv_response(
    filename: str, header: Sequence[str], rows: Iterable[Sequence[Any]], *, bom: bool = True
) -> StreamingHttpResponse:
    """A CSV download that starts at once and never holds all rows. ``bom=False`` is for programs."""
    response = StreamingHttpResponse(csv_lines(header, rows, bom=bom), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(filename)}"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]], *, bom: bool) -> Iterator[str]:
    writer = csv.writer(Line())
    yield (BOM if bom else "") + writer.writerow(header)
    for row in rows:
        yield writer.writerow([cell(value) for value in row])


class Line:
    """The file csv wants; writerow() then returns the line."""

    def write(self, line: str) -> str:
        return line


def cell(value: Any) -> Any:
    """A value as a spreadsheet may see it: what would start a formula, full-width too, is kept as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        return value
    text = unicodedata.normalize("NFKC", value).lstrip(" \ufeff")
    return f"'{value}" if text.startswith(FORMULA) and not NUMBER.fullmatch(value) else value


# Cursors: where a page begins, as the values of its ordering columns


def encode_cursor(*values: int | str | datetime | UUID) -> str:
    plain = [value if isinstance(value, int | str) else iso(value) for value in values]
    text = json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def iso(value: datetime | UUID) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def decode_cursor(text: str, *kinds: type) -> tuple[Any, ...]:
    """The values of a cursor, each of the kind expected there (int, str, datetime, UUID); else BadCursor."""
    try:
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise BadCursor(text) from None
    if not isinstance(values, list) or len(values) != len(kinds):
        raise BadCursor(text)
    return tuple(cursor_value(value, kind) for value, kind in zip(values, kinds, strict=True))


def cursor_value(value: Any, kind: type) -> Any:
    if kind in (datetime, UUID) and isinstance(value, str):
        return cursor_moment(value) if kind is datetime else cursor_uuid(value)
    fits = type(value) is kind and (kind is not int or abs(value) < 2**63)
    if not fits or (kind is str and "\x00" in value):
        raise BadCursor(value)
    return value


def cursor_moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise BadCursor(value) from None
    if moment.tzinfo is None:
        raise BadCursor(value)
    return moment


def cursor_uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise BadCursor(value) from None
