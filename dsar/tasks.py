"""What the workers do for requests. A message is a wake-up call; the row is the work."""

import datetime as dt
import uuid

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from dsar import dating, forecast, reminders, steps
from retention.schedule import take_slot


@shared_task
def carry_on() -> None:
    """Plan the reminders that are due, and wake a worker for every step in nobody's hand."""
    now = timezone.now()
    if not take_slot("requests", now=now, every=dt.timedelta(seconds=settings.RETENTION_TICK_SECONDS)):
        return
    reminders.plan_reminders(now)
    for step_id in steps.to_run(now):
        run_step.delay(str(step_id))


@shared_task
def run_step(step_id: str) -> None:
    """Make one attempt at one step."""
    steps.run_step(uuid.UUID(step_id), now=timezone.now())


@shared_task
def look_at_all() -> None:
    """Date anew what rests on old rules or holidays, and measure how long requests take. Twice at once does no harm."""
    now = timezone.now()
    dating.date_stale_anew(now)
    if take_slot("request_pace", now=now, every=dt.timedelta(days=1)):
        forecast.measure_pace(now)
