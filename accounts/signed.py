"""Messages that a program sends us, signed: HMAC-SHA-256 over instant, nonce and body, with a secret of its sender's own.

A sender is a row with ``pk``, ``secret`` (sealed) and ``secret_set_at``. Who writes the nonces down makes replay impossible:
a message is believed for WINDOW, and its nonce is kept for longer.
"""

import datetime as dt
import hashlib
import hmac
import re
import secrets
from typing import Any, Protocol

from accounts import keys

WINDOW = dt.timedelta(minutes=5)  # between the sender's clock and ours, either way
NONCE_FORM = re.compile(r"^[A-Za-z0-9_-]{16,64}$")
TIMESTAMP_FORM = re.compile(r"^[0-9]{10}$")


class Sender(Protocol):
    pk: Any
    secret: Any


class UnableToTrust(ValueError):
    """The message is not this sender's, or not of now; the message says which, to a sender who has proved who it is."""


def signature_of(secret: bytes, *, timestamp: str, nonce: str, body: bytes) -> str:
    """Return the signature in hexadecimal: HMAC-SHA-256 of ``timestamp.nonce.body``."""
    return hmac.new(secret, f"{timestamp}.{nonce}.".encode() + body, hashlib.sha256).hexdigest()


def check(
    sender: Sender | None, *, purpose: str, timestamp: str, nonce: str, signature: str, body: bytes, now: dt.datetime
) -> None:
    """Return when the sender sent this message just now. Raises UnableToTrust.

    An unknown sender, a wrong secret and a changed body look alike and take alike; only who holds the secret learns more.
    """
    secret = secret_of(sender, purpose=purpose) if sender else secrets.token_bytes(32)
    if not TIMESTAMP_FORM.match(timestamp) or not NONCE_FORM.match(nonce):
        raise UnableToTrust("The sender is not known, or the signature is not its own.")
    expected = signature_of(secret, timestamp=timestamp, nonce=nonce, body=body)
    if not hmac.compare_digest(expected.encode(), signature.encode()) or sender is None:
        raise UnableToTrust("The sender is not known, or the signature is not its own.")
    if abs(now.timestamp() - int(timestamp)) > WINDOW.total_seconds():
        raise UnableToTrust("The timestamp is more than five minutes away from the portal’s clock.")


def secret_of(sender: Sender, *, purpose: str) -> bytes:
    """Return a sender's secret; random bytes, which sign nothing, when it has none yet."""
    if sender.secret is None:
        return secrets.token_bytes(32)
    return keys.unseal(bytes(sender.secret), purpose=purpose, bound_to=str(sender.pk))


def renew_secret(sender: Any, *, purpose: str, now: dt.datetime) -> str:
    """Give a locked sender a new secret and return it: it is shown once, and the old one signs nothing from now on."""
    secret = secrets.token_urlsafe(32)
    sender.secret = keys.seal(secret.encode(), purpose=purpose, bound_to=str(sender.pk))
    sender.secret_set_at = now
    sender.save(update_fields=["secret", "secret_set_at"])
    return secret
