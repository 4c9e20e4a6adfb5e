"""The tick: what beat asks for every few seconds. Two beats are harmless: a tick is a row that only one can write."""

import datetime as dt

from django.db import IntegrityError, transaction

from retention.models import Slot

SLOT_LIFE = dt.timedelta(days=2)


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
