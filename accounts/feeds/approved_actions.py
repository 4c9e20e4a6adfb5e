"""What about a feed needs a second officer: both take away what keeps a missed renewal from destroying a customer's data."""

import datetime as dt
from typing import Any

from accounts import approvals, evidence
from accounts.models import Feed, User

RETIRE_FEED = "retire_feed"
RESTART_FEED = "restart_feed"


def _facts(feed_id: str) -> dict[str, Any]:
    feed = Feed.objects.get(pk=feed_id)
    return {"feed": feed_id, "carries": feed.carries, "sequence": feed.sequence or 0, "retired": bool(feed.retired_at)}


def _retire(feed_id: str, requested_by: User, decided_by: User, now: dt.datetime) -> None:
    """Expiry goes on without this feed from now on, and its secret signs nothing any more."""
    Feed.objects.filter(pk=feed_id).update(retired_at=now, secret=None)
    evidence.append_entry("FEED_RETIRED", subject=feed_id, body={"by": [requested_by.pk, decided_by.pk]})


def _restart(feed_id: str, requested_by: User, decided_by: User, now: dt.datetime) -> None:
    """The next message may have any number: what was lost between stays unknown."""
    Feed.objects.filter(pk=feed_id).update(sequence=None)
    evidence.append_entry("FEED_RESTARTED", subject=feed_id, body={"by": [requested_by.pk, decided_by.pk]})


def register() -> None:
    """Make the actions known to four eyes; called once at start."""
    approvals.register(approvals.Action(RETIRE_FEED, "Retire a feed", "accounts.retire_feed", _facts, _retire))
    approvals.register(
        approvals.Action(RESTART_FEED, "Restart the count of a feed", "accounts.retire_feed", _facts, _restart)
    )
