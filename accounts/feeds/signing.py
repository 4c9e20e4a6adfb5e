"""The signature of a feed's message (``accounts/signed.py``), with the secret of that feed."""

import datetime as dt

from django.db import transaction

from accounts import evidence, signed
from accounts.models import Feed, User
from accounts.signed import UnableToTrust, signature_of

__all__ = ["NONCE", "SIGNATURE", "TIMESTAMP", "UnableToTrust", "check", "make_secret", "secret_of", "signature_of"]

TIMESTAMP, NONCE, SIGNATURE = "X-Feed-Timestamp", "X-Feed-Nonce", "X-Feed-Signature"
PURPOSE = "secrets of feeds"


def check(feed: Feed | None, *, timestamp: str, nonce: str, signature: str, body: bytes, now: dt.datetime) -> Feed:
    """Return the feed when it sent this message just now. Raises UnableToTrust."""
    signed.check(feed, purpose=PURPOSE, timestamp=timestamp, nonce=nonce, signature=signature, body=body, now=now)
    assert feed is not None, "Nobody's signature is believed."
    return feed


def secret_of(feed: Feed) -> bytes:
    """Return a feed's secret; random bytes, which sign nothing, when it has none yet."""
    return signed.secret_of(feed, purpose=PURPOSE)


def make_secret(feed_id: int, *, user: User, now: dt.datetime) -> str:
    """Give a feed a new secret and return it: it is shown once, and the old one signs nothing from now on."""
    with transaction.atomic():
        feed = Feed.objects.select_for_update().get(pk=feed_id)
        secret = signed.renew_secret(feed, purpose=PURPOSE, now=now)
        evidence.append_entry("FEED_SECRET_MADE", subject=str(feed.pk), body={"by": user.pk})
    return secret
