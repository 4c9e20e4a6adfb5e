"""Until when a kind of data is known. What a feed has not told yet may be a renewal, so nothing expires on it."""

import datetime as dt

from accounts.models import Feed
from accounts.models.feeds import Kind


def feeds_of(kind: Kind) -> list[Feed]:
    """Return the feeds that bring a kind of data; none: it comes by files only, and what is here is what is known."""
    return list(Feed.objects.filter(retired_at__isnull=True, carries__contains=[kind.value]).order_by("pk"))


def known_until(kind: Kind, now: dt.datetime) -> dt.datetime | None:
    """Return the instant up to which everything of a kind has been told: an end after it may have been renewed.

    It is ``now`` where no feed brings this kind, and None while one that does is late.
    """
    feeds = feeds_of(kind)
    if any(feed.is_late(now) for feed in feeds):
        return None
    return min([now, *(feed.as_of for feed in feeds if feed.as_of)])


def late_feeds(now: dt.datetime) -> list[Feed]:
    """Return the feeds in use that are late or were never heard."""
    feeds = Feed.objects.filter(retired_at__isnull=True).order_by("name")
    return [feed for feed in feeds if feed.is_late(now)]
