"""The console served by real web server processes, on the tests' databases, and people who send forms to it."""

import http.client
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client

from proofs.racing import FORK, PATIENCE, forget_connections

ADDRESS = "127.0.0.1"
IDLE = 1  # seconds for which a connection may be idle and be used again
TOKEN = re.compile(r'"x-csrftoken": "(\w+)"')


class ServerError(Exception):
    """The server met an error of its own."""


@contextmanager
def served() -> Iterator[int]:
    """The port. As ``script/server`` does it: workers that are processes, each with threads."""
    with socket.create_server((ADDRESS, 0)) as free:
        port = free.getsockname()[1]
    server = FORK.Process(target=_serve, args=(port,), daemon=True)
    server.start()
    try:
        _await(port)
        yield port
    finally:
        os.kill(server.pid, signal.SIGTERM)
        server.join(PATIENCE)


def _serve(port: int) -> None:
    from billingadmin import web

    forget_connections()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115  (until this process ends)
    web.serve(f"{ADDRESS}:{port}")


def _await(port: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            socket.create_connection((ADDRESS, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("The server does not answer.")


class Visitor:
    """Somebody who is signed in, on a connection that stays open, with the token that the pages gave them."""

    def __init__(self, port: int, session: str) -> None:
        self._line = http.client.HTTPConnection(ADDRESS, port, timeout=PATIENCE)
        self._heard_at = 0.0
        self._cookies = {settings.SESSION_COOKIE_NAME: session}
        self._token = self._read_token()

    def send(self, path: str, form: Mapping[str, object]) -> tuple[int, str]:
        """Status and text of the answer to a form. Raises ServerError for a 5xx."""
        return self._ask("POST", path, urlencode({**form, "csrfmiddlewaretoken": self._token}))

    def _read_token(self) -> str:
        _status, page = self._ask("GET", "/adjustments/")
        return TOKEN.search(page)[1]

    def _ask(self, method: str, path: str, body: str = "") -> tuple[int, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if time.monotonic() - self._heard_at > IDLE:
            self._line.close()  # the server closes it too, in its own time; the next request opens it again
        headers = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
        self._line.request(method, path, body, headers)
        answer = self._line.getresponse()
        text = unescape(answer.read().decode())
        self._heard_at = time.monotonic()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _equals, value = cookie.partition(";")[0].partition("=")
            if name in (
                settings.SESSION_COOKIE_NAME,
                settings.CSRF_COOKIE_NAME,
            ):  # a page not looked at keeps its messages
                self._cookies[name] = value
        if answer.status >= 500:
            raise ServerError(f"{answer.status} for {method} {path}")
        return answer.status, text


def session_of(person: object) -> str:
    """A session as a sign-in makes it."""
    client = Client()
    client.force_login(person)
    return client.cookies[settings.SESSION_COOKIE_NAME].value
