"""The signature of a message: HMAC-SHA-256 over its instant, its nonce and its body, with the secret of its feed."""

import datetime as dt
import hashlib
import hmac
import re
import secrets

from django.db import transaction

from accounts import evidence, keys
from accounts.models import Feed, User

TIMESTAMP, NONCE, SIGNATURE = "X-Feed-Timestamp", "X-Feed-Nonce", "X-Feed-Signature"
WINDOW = dt.timedelta(minutes=5)  # between the sender's clock and ours, either way
PURPOSE = "secrets of feeds"
NONCE_FORM = re.compile(r"^[A-Za-z0-9_-]{16,64}$")
TIMESTAMP_FORM = re.compile(r"^[0-9]{10}$")


class UnableToTrust(ValueError):
    """The message is not this feed's, or not of now; the message says which, to a sender who has proved who it is."""


def signature_of(secret: bytes, *, timestamp: str, nonce: str, body: bytes) -> str:
    """Return the signature in hexadecimal: HMAC-SHA-256 of ``timestamp.nonce.body``."""
    return hmac.new(secret, f"{timestamp}.{nonce}.".encode() + body, hashlib.sha256).hexdigest()


def check(feed: Feed | None, *, timestamp: str, nonce: str, signature: str, body: bytes, now: dt.datetime) -> Feed:
    """Return the feed when it sent this message just now. Raises UnableToTrust.

    An unknown feed, a wrong secret and a changed body look alike and take alike; only who holds the secret learns more.
    """
    secret = secret_of(feed) if feed else secrets.token_bytes(32)
    if not TIMESTAMP_FORM.match(timestamp) or not NONCE_FORM.match(nonce):
        raise UnableToTrust("This feed is not known, or the signature is not its own.")
    expected = signature_of(secret, timestamp=timestamp, nonce=nonce, body=body)
    if not hmac.compare_digest(expected.encode(), signature.encode()) or feed is None:
        raise UnableToTrust("This feed is not known, or the signature is not its own.")
    if abs(now.timestamp() - int(timestamp)) > WINDOW.total_seconds():
        raise UnableToTrust("The timestamp is more than five minutes away from the portal’s clock.")
    return feed


def secret_of(feed: Feed) -> bytes:
    """Return a feed's secret; random bytes, which sign nothing, when it has none yet."""
    if feed.secret is None:
        return secrets.token_bytes(32)
    return keys.unseal(bytes(feed.secret), purpose=PURPOSE, bound_to=str(feed.pk))


def make_secret(feed_id: int, *, user: User, now: dt.datetime) -> str:
    """Give a feed a new secret and return it: it is shown once, and the old one signs nothing from now on."""
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        feed = Feed.objects.select_for_update().get(pk=feed_id)
        feed.secret = keys.seal(secret.encode(), purpose=PURPOSE, bound_to=str(feed.pk))
        feed.secret_set_at = now
        feed.save(update_fields=["secret", "secret_set_at"])
        evidence.append_entry("FEED_SECRET_MADE", subject=str(feed.pk), body={"by": user.pk})
    return secret
