"""The signature of a message, ours to a recipient and a recipient's to us: the scheme of standardwebhooks.com, version 1.

HMAC-SHA-256 under the shared secret over “id.timestamp.body”, base64, in the headers webhook-id, webhook-timestamp and
webhook-signature (“v1,…”, several separated by spaces). Libraries for it exist in most languages.
"""

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping

TOLERANCE = dt.timedelta(minutes=5)


class NotSigned(ValueError):
    """The message is not signed with the recipient's secret, or not now."""


def sign(secret: str, message_id: str, at: dt.datetime, body: bytes) -> dict[str, str]:
    """Return the three headers for ``body``, sent at ``at``."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{_mac(secret, message_id, timestamp, body)}",
    }


def check_signature(secret: str, headers: Mapping[str, str], body: bytes, *, now: dt.datetime) -> str:
    """Return the id of a signed message. Raises NotSigned; a message older or newer than five minutes is not believed."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise NotSigned("There is no timestamp.")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise NotSigned("The message is not of now.")
    expected = f"v1,{_mac(secret, message_id, timestamp, body)}".encode()
    given = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(one.encode(), expected) for one in given):
        raise NotSigned("The signature does not fit.")
    return message_id


def _mac(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256)).decode()
