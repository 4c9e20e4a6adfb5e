"""For how many days a customer may choose to keep call recordings, at most (policy § 2.2, § 5.2).

Thirty, unless officers have raised it for everywhere or for the workspace's country. Where that stands is known above:
retention registers itself, and holds the same limit by a trigger.
"""

import datetime as dt
from collections.abc import Callable

from django.core.exceptions import ValidationError

from accounts.models import Subscription

POLICY_DAYS = 30

CapDays = Callable[[str, dt.datetime], int]
_registered: list[CapDays] = []


def register(cap: CapDays) -> None:
    """Make known who says the cap of a country at an instant; called once at start."""
    _registered.append(cap)


def cap_days(country: str, now: dt.datetime) -> int:
    """Return the most days in force at ``now`` for workspaces of ``country`` (ISO 3166, may be empty)."""
    return max([POLICY_DAYS, *(cap(country, now) for cap in _registered)])


def refuse_above_cap(subscription: Subscription, *, now: dt.datetime) -> None:
    """Raise ValidationError, at its field, when a subscription keeps recordings for longer than may be chosen.

    Called when the number of days changes: what was chosen under a cap that was lowered since stays written, and its
    recordings go when the rule says.
    """
    country = subscription.workspace.country
    most = cap_days(country, now)
    if subscription.recording_days and subscription.recording_days > most:
        where = f" in {country}" if country else ""
        raise ValidationError(
            {"recording_days": f"Recordings can be kept for {most} days at most{where}. Two officers can raise this, "
             "with a published policy version that says so."}
        )  # fmt: skip
