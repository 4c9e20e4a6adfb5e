"""What waits for a feed: a rule that acts on dates which a feed brings acts on no date that could have been renewed since."""

import datetime as dt

from accounts.feeds.freshness import known_until
from accounts.models.feeds import Kind

FED_BY = {
    "workspace_expiry": Kind.SUBSCRIPTIONS,
    "number_expiry": Kind.ASSIGNMENTS,
    "past_assignment": Kind.ASSIGNMENTS,
}
WHY = "Waits for the feed of its dates, which is late: a renewal may be on its way."


def may_act_until(rule_key: str, now: dt.datetime) -> dt.datetime | None:
    """Return the instant up to which a rule may take what is past its time, or None while it must not act at all.

    It is ``now`` for a rule that no feed dates, and where no feed is configured (mission R14).
    """
    return known_until(FED_BY[rule_key], now) if rule_key in FED_BY else now
