"""A real IMAP server and a real SMTP server, each on a port of its own and gone with the test."""

import contextlib
import imaplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

START_SECONDS = 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MailServer:
    """A mailbox on pymap: what a test puts in, and what is left in it."""

    def __init__(self, port: int):
        self.port = port

    def url(self, after: str = "flag") -> str:
        return f"imap://support:secret@127.0.0.1:{self.port}/INBOX?after={after}"

    @contextlib.contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=30)
        client.login("support", "secret")
        client.select("INBOX")
        try:
            yield client
        finally:
            client.logout()

    def put(self, *mails: bytes) -> None:
        with self.client() as client:
            for raw in mails:
                assert client.append("INBOX", "", None, raw)[0] == "OK"

    def flags(self) -> list[str]:
        with self.client() as client:
            _, data = client.uid("FETCH", "1:*", "(FLAGS)")
            return [line.decode() for line in data if line]

    def empty(self) -> None:
        with self.client() as client:
            client.uid("STORE", "1:*", "+FLAGS.SILENT", r"(\Deleted)")
            client.expunge()


@contextlib.contextmanager
def imap_server() -> Iterator[MailServer]:
    """Run pymap with one mailbox in memory."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable, "-c", "from pymap.main import main; main()", "--host", "127.0.0.1", "--port", str(port), "--no-tls",
            "--no-service", "managesieve", "dict", "--demo-user", "support", "--demo-password", "secret",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        server, stop_at = MailServer(port), time.monotonic() + START_SECONDS
        while True:
            try:
                with server.client():
                    break
            except OSError:
                assert process.poll() is None and time.monotonic() < stop_at, "the IMAP server does not start"
                time.sleep(0.05)
        yield server
    finally:
        process.kill()
        process.wait()


class Postman:
    """What an SMTP server does with what it is given: keeps it, or answers as it is told to."""

    def __init__(self):
        self.mails: list[bytes] = []
        self.recipients: list[str] = []
        self.rcpt_answer = self.data_answer = ""

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.rcpt_answer:
            return self.rcpt_answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.data_answer.startswith("drop"):  # takes the mail and dies before it says so
            self.mails.append(envelope.content)
            server.transport.abort()
            return "250 never heard"
        if self.data_answer:
            return self.data_answer
        self.mails.append(envelope.content)
        self.recipients += envelope.rcpt_tos
        return "250 OK"


class _Controller(Controller):
    def factory(self):
        return SMTP(self.handler, data_size_limit=None)


@contextlib.contextmanager
def smtp_server(settings) -> Iterator[Postman]:
    """Run aiosmtpd and let Django send by it."""
    postman = Postman()
    controller = _Controller(postman, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    try:
        yield postman
    finally:
        controller.stop()
