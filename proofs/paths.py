"""Every way to ask the console for something, read from its URLs: nothing here is a list that somebody must keep."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

CONVERTER = re.compile(r"<(?:(?P<kind>\w+):)?\w+>")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")


@dataclass(frozen=True)
class Ask:
    path: str
    method: str
    headers: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path} {dict(self.headers) or ''}".strip()


def paths(values: Mapping[str, Any]) -> list[str]:
    """One path for each pattern; ``values`` holds what stands for a converter (uuid, int, str, slug)."""
    return sorted(set(_paths(get_resolver(), "", values)))


def _paths(resolver: URLResolver, prefix: str, values: Mapping[str, Any]) -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _paths(entry, prefix + _filled(entry.pattern, values), values)
        elif isinstance(entry, URLPattern) and isinstance(entry.pattern, RoutePattern):
            yield f"/{prefix}{_filled(entry.pattern, values)}"


def _filled(pattern: Any, values: Mapping[str, Any]) -> str:
    if not isinstance(pattern, RoutePattern):
        return ""
    return CONVERTER.sub(lambda found: str(values[found["kind"] or "str"]), str(pattern))


def asks(path: str) -> Iterator[Ask]:
    """With each method, as a page and as a fragment, and with the headers that would make another method of it."""
    for method in METHODS:
        yield Ask(path, method)
        yield Ask(path, method, (("HX-Request", "true"),))
    for header in OVERRIDES:
        yield Ask(path, "GET", ((header, "POST"),))
        yield Ask(path, "PUT", ((header, "POST"),))
