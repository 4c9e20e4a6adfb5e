"""When what retention itself wrote down has had its time. ``now`` is aware."""

import datetime as dt

from django.db.models import Q


def hold_was_lifted(now: dt.datetime, period: dt.timedelta) -> Q:
    """A hold that was lifted a whole period ago and still says in words why it was placed."""
    return Q(lifted_at__lte=now - period) & ~Q(reason="", authority="")


def hold_words_go_at(hold, period: dt.timedelta) -> dt.datetime | None:
    """Return when the words of one hold go; None: it is in force, or has none any more."""
    return hold.lifted_at + period if hold.lifted_at and (hold.reason or hold.authority) else None
