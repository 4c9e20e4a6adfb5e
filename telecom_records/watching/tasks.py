"""What beat asks for every half minute."""

import datetime as dt

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from retention.schedule import take_slot
from telecom_records import watching


@shared_task(soft_time_limit=240, time_limit=270)  # one file of the largest size is read and encrypted in one go
def look_at_watched() -> None:
    """Look at the places in which other systems put their files, and take what is finished."""
    now = timezone.now()
    if take_slot("look_at_watched", now=now, every=dt.timedelta(seconds=settings.WATCH_SECONDS)):
        for kind, place in watching.places().items():
            watching.look(kind, place, now=now)
