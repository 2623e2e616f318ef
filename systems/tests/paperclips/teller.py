"""The bank's side, really listening on 127.0.0.1. It forgets no key, and can be told to misbehave."""

import json
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Teller(ThreadingHTTPServer):
    """``manners`` are used up one a request, PUT and GET alike, as "PUT lose_answer". ``forgetful`` pays twice."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Window)
        self.refunds, self.payments, self.manners, self.asked = {}, [], [], Counter()
        self.forgetful = False
        self.lock = threading.Lock()

    def handle_error(self, request, client_address):
        """The caller was killed, or did not wait."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def pay(self, key, told):
        with self.lock:
            if key not in self.refunds or self.forgetful:
                self.refunds[key] = {"refund": len(self.refunds) + 1, "amount": told["amount"]}
                self.payments.append(key)
        return self.refunds[key]


class Window(BaseHTTPRequestHandler):
    def do_PUT(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        manner = self.manner("PUT")
        if manner in ("lose_question", "refuse", "fail_before"):
            return self.misbehave(manner)
        refund = self.server.pay(self.key, told)
        if manner:
            return self.misbehave(manner)
        self.answer(200, refund)

    def do_GET(self):
        if manner := self.manner("GET"):
            return self.misbehave(manner)
        refund = self.server.refunds.get(self.key)
        self.answer(200 if refund else 404, refund or {})

    @property
    def key(self):
        return self.path.rpartition("/")[2]

    def manner(self, verb):
        with self.server.lock:
            self.server.asked[verb, self.key] += 1
            mine = [one for one in self.server.manners if one.startswith(verb)]
            if not mine:
                return ""
            self.server.manners.remove(mine[0])
            return mine[0].partition(" ")[2]

    def misbehave(self, manner):
        if manner == "slow":
            time.sleep(1.5)
        if manner == "refuse":
            return self.answer(422, {"why": "account closed"})
        if manner.startswith("fail"):
            return self.answer(500, {})
        self.close_connection = True
        self.connection.close()  # no answer at all

    def answer(self, code, told):
        body = json.dumps(told).encode()
        with suppress(OSError):
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *arguments):
        """Nothing."""


@contextmanager
def open_bank(settings):
    with Teller() as teller:
        threading.Thread(target=teller.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        settings.PAPERCLIPS_BANK_URL = teller.url
        yield teller
        teller.shutdown()
