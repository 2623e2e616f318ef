"""A small OpenID Connect provider that really answers over HTTP: what a test says is what the directory says."""

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt

CLIENT, SECRET = "billing-console", "a secret of the two"


class Provider:
    """One person at a time stands before it, with the claims of ``person``; ``token`` overrides the id token's."""

    def __init__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Desk", (Desk,), {"provider": self}))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.person = {"sub": "s-1", "name": "Somebody", "email_verified": True, "groups": []}
        self.token, self.codes, self.asked = {}, {}, []
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def says(self, **claims):
        self.person = {**self.person, **claims}

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def sign_in(self, address):
        """What the person's browser does at the provider: it is sent there, and comes back with a code."""
        wanted = dict(parse_qsl(urlsplit(address).query))
        assert (wanted["response_type"], wanted["client_id"]) == ("code", CLIENT)
        assert wanted["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = wanted
        return f"{urlsplit(wanted['redirect_uri']).path}?{urlencode({'code': code, 'state': wanted['state']})}"

    def discovery(self):
        places = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
        found = {f"{name}_endpoint": f"{self.url}/{path}" for name, path in places.items()}
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **found}

    def exchange(self, form):
        wanted = self.codes.pop(form.get("code", ""), None)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).decode().rstrip("=")
        if not wanted or wanted["code_challenge"] != challenge or form.get("client_secret") != SECRET:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": self.person["sub"], "iat": now, "exp": now + 60, **self.token}
        return 200, {"access_token": "bearer", "token_type": "Bearer", "id_token": jwt.encode(claims, "k" * 32)}


class Desk(BaseHTTPRequestHandler):
    def do_GET(self):
        self.provider.asked.append(self.path)
        if self.path == "/.well-known/openid-configuration":
            return self.answer(200, self.provider.discovery())
        if self.path == "/userinfo" and self.headers["Authorization"] == "Bearer bearer":
            return self.answer(200, self.provider.person)
        return self.answer(404, {})

    def do_POST(self):
        self.provider.asked.append(self.path)
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(text).items()}
        self.answer(*self.provider.exchange(form))

    def answer(self, status, content):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_words):
        pass
