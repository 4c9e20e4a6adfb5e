"""What the workers do. A message is a wake-up call; the row is the work."""

import datetime as dt
import uuid

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from retention import jobs, stops
from retention.models import DeletionJob
from retention.schedule import take_slot


@shared_task
def find_due() -> None:
    """Find what is due, let go what is held no more, and wake a worker for every job nobody has in hand."""
    now = timezone.now()
    if not stops.clock_is_right(now):
        return
    if not take_slot(stops.TICK, now=now, every=dt.timedelta(seconds=settings.RETENTION_TICK_SECONDS)):
        return
    if stops.active_stop():
        return
    jobs.schedule_due(now)
    jobs.release_held(now)
    for job_id in jobs.runnable():
        run_deletion.delay(str(job_id))


@shared_task
def run_deletion(job_id: str) -> None:
    """Carry one deletion on, and ask for the next turn when it is not over."""
    job = jobs.run_job(uuid.UUID(job_id), now=timezone.now())
    if job and job.state == DeletionJob.State.RUNNING and job.lease_until is None and job.attempts == 0:
        run_deletion.delay(job_id)
