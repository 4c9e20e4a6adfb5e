"""When the ids inside a notice have served their purpose."""

import datetime as dt

from django.db.models import Q


def content_has_served(now: dt.datetime, period: dt.timedelta) -> Q:
    """The contents of notices that were confirmed or closed longer than ``period`` ago; open ones are still needed."""
    return Q(settled_at__lte=now - period)


def content_goes_at(content, period: dt.timedelta) -> dt.datetime | None:
    """Return when the contents of one notice go; None: nobody has confirmed or closed it."""
    return content.settled_at + period if content.settled_at else None
