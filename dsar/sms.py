"""Text messages, and their gateways. One is named by the setting SMS_GATEWAY; a new one is a class with `send`."""

import uuid
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from dsar.outbox import UnableToSend


def send_text(number: str, body: str) -> None:
    """Send one text message to a number in E.164 by the gateway of the settings. Raises UnableToSend."""
    import_string(settings.SMS_GATEWAY)().send(number, body)


class Gateway(Protocol):
    """Sends a text to a number in E.164, or raises UnableToSend."""

    def send(self, number: str, body: str) -> None: ...


class FileGateway:
    """One file a message, under SMS_FILE_PATH: for trying the portal out, and for tests."""

    def send(self, number: str, body: str) -> None:
        try:
            settings.SMS_FILE_PATH.mkdir(parents=True, exist_ok=True, mode=0o700)
            (settings.SMS_FILE_PATH / f"{uuid.uuid4()}.txt").write_text(f"To: {number}\n\n{body}\n", encoding="utf-8")
        except OSError as error:
            raise UnableToSend(f"the message was not written ({type(error).__name__})") from error


class ConsoleGateway:
    """Prints the message where the portal was started."""

    def send(self, number: str, body: str) -> None:
        print(f"SMS to {number}\n{body}\n", flush=True)


class NoGateway:
    """Sends nothing and says so: what production has until a gateway is named."""

    def send(self, number: str, body: str) -> None:
        raise UnableToSend("no gateway for text messages is set up (SMS_GATEWAY)")
