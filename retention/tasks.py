"""What the workers do. A message is a wake-up call; the row is the work."""

import datetime as dt
import time
import uuid

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from retention import jobs, reconcile, restore, runs, stops
from retention.models import DeletionJob
from retention.schedule import beat, take_slot
from retention.upstream import notices

TURN_SECONDS = 30
BEGUN_TOGETHER = 100  # in one transaction, which keeps others from the evidence log for as long as it writes to it
BEGINNERS = 2  # workers that begin deletions at once, when many wait to
NOTICES_AT_ONCE = 100  # in a tick; the next one takes the rest


@shared_task
def find_due() -> None:
    """Hide what is due, make its deletions, let go what is held no more, and wake a worker for every one in nobody's hand."""
    now = timezone.now()
    beat(stops.TICK)
    if not stops.clock_is_right(now):
        return
    if not take_slot(stops.TICK, now=now, every=dt.timedelta(seconds=settings.RETENTION_TICK_SECONDS)):
        return
    if stops.active_stop():
        jobs.hide(now)  # nothing is deleted, but nothing that is past its time is shown either
        return
    jobs.release_held(now)
    jobs.schedule_due(now)
    runs.advance_all()
    wake()


def wake() -> None:
    """Wake workers for every deletion in nobody's hand. Where several wait to begin, that comes first: their keys go."""
    if len(jobs.waiting_to_begin()) > 1:
        for _ in range(BEGINNERS):
            begin_deletions.delay()
    else:
        carry_on()


def carry_on() -> None:
    for job_id in jobs.runnable():
        run_deletion.delay(str(job_id))


@shared_task
def begin_deletions() -> None:
    """Begin what waits, many together, for a turn; then ask for the next turn, or for what has begun to be carried on.

    Not for both: a turn behind thousands of deletions to carry on would leave the rest readable until those are over
    (measured: 5,000 workspaces, of which 1,190 waited for minutes).
    """
    now = timezone.now()
    if not stops.clock_is_right(now):
        return
    stop_at = time.monotonic() + TURN_SECONDS
    began = 1
    while began and (
        waiting := jobs.waiting_to_begin()
    ):  # none began: others have them in hand, or everything is stopped
        began = 0
        for start in range(0, len(waiting), BEGUN_TOGETHER):
            began += jobs.begin_jobs(waiting[start : start + BEGUN_TOGETHER], now=now)
            if time.monotonic() > stop_at:
                begin_deletions.delay()
                return
    carry_on()


@shared_task
def run_deletion(job_id: str) -> None:
    """Carry one deletion on, and ask for the next turn when it is not over."""
    now = timezone.now()
    if not stops.clock_is_right(now):
        return
    job = jobs.run_job(uuid.UUID(job_id), now=now)
    if job is None:
        return
    if job.state == DeletionJob.State.RUNNING and job.lease_until is None and job.attempts == 0:
        run_deletion.delay(job_id)
    elif job.canary and job.run_id and job.state == DeletionJob.State.DONE and runs.may_all_begin(job.run_id):
        wake()


@shared_task(when_sealed=True, soft_time_limit=None, time_limit=None, acks_late=False)  # type: ignore[call-overload]
def replay_erasures() -> None:
    """Carry out again what the restored copy has brought back. Whoever asks twice changes nothing: it goes on where it was."""
    if seal := restore.current():
        restore.replay(seal, now=timezone.now())


@shared_task(soft_time_limit=4 * 3600, time_limit=4 * 3600 + 60)  # every file and every row is looked at
def compare_files(asked: bool = False) -> None:
    """Once a day, or when an officer asks: destroy what two officers agreed on, and compare the files with their rows."""
    now = timezone.now()
    every = dt.timedelta(minutes=1) if asked else dt.timedelta(days=1)
    if not take_slot("compare_files_asked" if asked else "compare_files", now=now, every=every):
        return
    if not stops.active_stop():
        reconcile.destroy_agreed(now)
    reconcile.check_files(now)


@shared_task
def tell_recipients() -> None:
    """Wake a worker for every notice whose attempt or reminder is due."""
    now = timezone.now()
    if not stops.clock_is_right(now):
        return
    if not take_slot("tell_recipients", now=now, every=dt.timedelta(seconds=settings.RETENTION_TICK_SECONDS)):
        return
    for notice_id in notices.to_send(now).values_list("pk", flat=True)[:NOTICES_AT_ONCE]:
        send_notice.delay(str(notice_id))


@shared_task
def send_notice(notice_id: str) -> None:
    """Make one attempt to tell one recipient."""
    notices.send(uuid.UUID(notice_id), now=timezone.now())
