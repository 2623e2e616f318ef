"""A mail server of the tests' own on 127.0.0.1: it really speaks SMTP, keeps what it took, and can misbehave."""

import email
import email.policy
import socketserver
import threading
from contextlib import contextmanager, suppress


class Mailbox(socketserver.ThreadingTCPServer):
    """``refuse`` maps an address to the answer it gets; ``drop_after`` loses its acknowledgement of that many mails."""

    allow_reuse_address = daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Conversation)
        self.taken, self.refuse, self.drop_after = [], {}, 0

    @property
    def port(self):
        return self.server_address[1]

    def shut(self):
        self.shutdown()
        self.server_close()

    def ids(self):
        return [mail["Message-ID"] for mail in self.taken]


class Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        with suppress(OSError):  # the other side was killed in the middle of a word
            self.talk()

    def talk(self):
        self.say("220 here")
        while line := self.rfile.readline():
            verb = line.decode().strip()
            if verb.upper() == "DATA":
                if not self.take():
                    return
            elif verb.upper().startswith("RCPT"):
                self.say(self.server.refuse.get(verb.partition("<")[2].rstrip(">"), "250 ok"))
            elif verb.upper() == "QUIT":
                return self.say("221 bye")
            else:
                self.say("250 ok")

    def take(self):
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False  # it was cut off: that is no mail
            lines.append(line)
        self.server.taken.append(
            email.message_from_bytes(b"".join(lines).replace(b"\r\n", b"\n"), policy=email.policy.default)
        )
        if self.server.drop_after:
            self.server.drop_after -= 1
            return False
        self.say("250 taken")
        return True

    def say(self, words):
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def open_mailbox(settings):
    with Mailbox() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 5
        yield server
        server.shut()
