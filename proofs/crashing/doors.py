"""The web process of a proof: the WSGI application behind a real socket, answering one request and no more."""

import socket
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client
from django.urls import reverse

from adjustments.models import Adjustment
from proofs.crashing import deaths

PATIENCE = 30.0
FOUND = 302


class Silent(WSGIRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


class Door:
    """Where the approver knocks: a signed-in browser, and for each knock a web process of its own."""

    def __init__(self, person: Any, password: str) -> None:
        self.password = password  # asked for at every decision
        self.application = WSGIHandler()
        client = Client()
        client.force_login(person)
        self.token = _get_new_csrf_string()
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        cookies = {settings.SESSION_COOKIE_NAME: session, settings.CSRF_COOKIE_NAME: self.token}
        self.headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def knock(self, adjustment: Adjustment, doom: deaths.Doom | None = None) -> "Knock":
        """Sends the approval to a new web process, and does not wait for the answer."""
        with socket.create_server(("127.0.0.1", 0)) as listening:  # ours only until the process has it
            process = deaths.born(lambda: self._answer(listening, doom))
            address = listening.getsockname()
        connection = HTTPConnection(*address, timeout=PATIENCE)
        seen = {"revision": adjustment.revision, "seen": adjustment.content_hash}
        said = {**seen, "word": self.password, "csrfmiddlewaretoken": self.token}
        path = reverse("adjustments:approve", args=[adjustment.pk])
        with suppress(OSError):
            connection.request("POST", path, urlencode(said), self.headers)
        return Knock(process, connection)

    def _answer(self, listening: socket.socket, doom: deaths.Doom | None) -> None:
        if doom:
            deaths.doomed(doom)
        server = WSGIServer(listening.getsockname(), Silent, bind_and_activate=False)
        server.socket = listening
        server.server_name, server.server_port = listening.getsockname()
        server.setup_environ()
        server.set_app(self.application)
        server.handle_request()


@dataclass
class Knock:
    process: int
    connection: HTTPConnection

    def answer(self) -> int | None:
        """The status, or nothing when the process died before it gave one."""
        try:
            return self.connection.getresponse().status
        except (OSError, HTTPException):
            return None
        finally:
            self.connection.close()
