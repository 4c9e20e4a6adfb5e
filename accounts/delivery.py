"""Handing something to somebody outside until they have it: what came of an attempt, when the next one is, whose turn it is.

The work is a row with ``next_try_at``, ``lease_until`` and ``tries``. A worker that dies between sending and writing it
down leaves a lease that runs out, and the same thing goes out again under the same id.
"""

import dataclasses
import datetime as dt
import enum
from collections.abc import Sequence
from typing import TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.db.models.functions import Now

LEASE = dt.timedelta(seconds=60)  # longer than any attempt (webhook.SECONDS, EMAIL_TIMEOUT)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
INTERVALS = (MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY)  # after that, daily

Row = TypeVar("Row", bound=Model)


class Result(enum.Enum):
    CONFIRMED = "confirmed"  # they have done what they were asked for
    TAKEN = "taken"  # they have the message; a confirmation comes later, if at all
    REFUSED = "refused"  # they will not take it as it is: somebody must look
    FAILED = "failed"  # it did not get there; try again


@dataclasses.dataclass(frozen=True)
class Outcome:
    """``answer`` is a code for people, such as “HTTP 500” or “timeout”: never a text of the other side."""

    result: Result
    answer: str


def due(rows: QuerySet[Row], *, now: dt.datetime) -> QuerySet[Row]:
    """Return the rows whose next attempt is due and that no worker has in hand, oldest first."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    return rows.filter(free, next_try_at__lte=now).order_by("next_try_at", "pk")


def claim(rows: QuerySet, pk, *, now: dt.datetime) -> bool:
    """Take one due row in hand and count the attempt; return False when it is not due or another worker has it."""
    return bool(due(rows, now=now).filter(pk=pk).update(lease_until=Now() + LEASE, tries=F("tries") + 1))


def next_try(tries: int, *, now: dt.datetime, intervals: Sequence[dt.timedelta] = INTERVALS) -> dt.datetime:
    """Return when to try again after ``tries`` attempts that failed."""
    return now + intervals[min(max(tries, 1), len(intervals)) - 1]
