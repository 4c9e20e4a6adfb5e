"""A recipient that tests can rely on, and a real server on this machine that behaves as it is told."""

import http.server
import json
import threading
import time

from accounts.models import User
from retention.models import Recipient
from retention.upstream import recipients
from retention.upstream.recipients import Address
from tests.factories import NOW

SECRET = "a shared secret of forty characters, tests"
EVERYTHING = [label for label, _ in recipients.categories()]


def make_recipient(url: str = "", *, email: str = "", key: str = "", active: bool = True, **fields) -> Recipient:
    """Return a recipient as two officers would have let it begin; the way there has tests of its own."""
    count = Recipient.objects.count()
    defaults = {
        "name": f"Recipient {count}",
        "kind": "platform",
        "channel": "email" if email else "webhook",
        "deadline_days": 20,
        "categories": EVERYTHING,
    }
    recipient = Recipient(**{**defaults, **fields})
    address = (
        Address(url=url or "https://hooks.example.test/", secret=SECRET) if not email else Address(email=email, key=key)
    )
    recipients.set_address(recipient, address, shown=email or "hooks.example.test")
    recipient.active_from = NOW if active else None
    recipient.save()
    return recipient


def make_officers() -> tuple[User, User]:
    from tests import factories

    return factories.make_user(), factories.make_user()


class Endpoint:
    """A webhook on a port of its own. ``answers`` are taken one by one, the last one for ever; ``calls`` are what came."""

    def __init__(self, *answers):
        self.answers = list(answers) or [(200, b"{}")]
        self.calls: list[tuple[dict, bytes]] = []
        self.release = threading.Event()
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                endpoint.calls.append((dict(self.headers), body))
                answer = endpoint.answers.pop(0) if len(endpoint.answers) > 1 else endpoint.answers[0]
                answer(self, body) if callable(answer) else reply(self, *answer)

            do_GET = do_POST

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/erasures"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()

    def hang(self, handler, body):
        """Answer nothing until the test is over."""
        self.release.wait(20)

    def drip(self, handler, body):
        """Answer a byte at a time, for ever: each one in time, all of them never."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
        while not self.release.is_set():
            try:
                handler.wfile.write(b"x")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.02)


def reply(handler, status: int, body: bytes = b"", **headers) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def confirm(handler, body) -> None:
    """Answer as a recipient that has erased at once."""
    reply(handler, 200, json.dumps({"confirmed": json.loads(body)["id"]}).encode())
