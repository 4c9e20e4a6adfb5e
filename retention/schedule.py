"""The tick: what beat asks for every few seconds. Two beats are harmless: a tick is a row that only one can write."""

import datetime as dt

from django.db import IntegrityError, transaction
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from retention.models import Heartbeat, Slot

SLOT_LIFE = dt.timedelta(days=2)
SILENT_AFTER = dt.timedelta(minutes=5)  # ticks are seconds apart


def beat(name: str) -> None:
    """Write down that a part of the schedule is alive, by the database's clock."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=Now())], update_conflicts=True, unique_fields=["name"], update_fields=["at"]
    )


def silence(name: str) -> dt.timedelta | None:
    """Return for how long a part of the schedule has given no sign of life; None when it never has."""
    alive = Heartbeat.objects.filter(name=name).annotate(since=ExpressionWrapper(Now() - F("at"), DurationField()))
    return alive.values_list("since", flat=True).first()


def is_silent(name: str) -> bool:
    """Return whether a part of the schedule has given no sign of life for too long. One that never has is new, not silent."""
    since = silence(name)
    return since is not None and since > SILENT_AFTER


def take_slot(name: str, *, now: dt.datetime, every: dt.timedelta) -> bool:
    """Return whether this caller has the tick that ``now`` falls into."""
    seconds = every.total_seconds()
    at = dt.datetime.fromtimestamp(now.timestamp() // seconds * seconds, tz=dt.UTC)
    try:
        with transaction.atomic():
            Slot.objects.create(name=name, at=at)
    except IntegrityError:
        return False
    old = Slot.objects.filter(name=name, at__lt=at - SLOT_LIFE)
    old._raw_delete(old.db)  # type: ignore[attr-defined]
    return True
