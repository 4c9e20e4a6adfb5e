"""Who has a job in hand: claimed by a lease on the database's clock, given back, failed, or tried again."""

import datetime as dt
import uuid

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts import evidence
from retention.deletion import UnableToDelete
from retention.jobs.moves import State, move, quarantine
from retention.models import DeletionJob

LEASE = dt.timedelta(seconds=30)  # longer than any batch; a killed worker's job is free again after it
MAX_ATTEMPTS = 5


def runnable() -> list[uuid.UUID]:
    """Return the ids of jobs that no worker has in hand, oldest first."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    jobs = DeletionJob.objects.filter(free, state__in=[State.PENDING, State.RUNNING]).order_by("created_at", "pk")
    return list(jobs.values_list("pk", flat=True)[:500])


def claim(job_id: uuid.UUID) -> DeletionJob | None:
    """Take a job for the length of a lease, or return None when somebody else has it or it is over."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    taken = DeletionJob.objects.filter(free, pk=job_id, state__in=[State.PENDING, State.RUNNING]).update(
        lease_until=Now() + LEASE, attempts=F("attempts") + 1
    )
    return DeletionJob.objects.get(pk=job_id) if taken else None


def release(job_id: uuid.UUID) -> None:
    """Give the lease back, so that the next worker need not wait for it to end."""
    DeletionJob.objects.filter(pk=job_id, state=State.RUNNING).update(lease_until=None, attempts=0)


def record_failure(job_id: uuid.UUID, error: Exception) -> None:
    """Free the job for another attempt, or stop it after too many."""
    with transaction.atomic():
        job = DeletionJob.objects.select_for_update().get(pk=job_id)
        if job.state not in (State.PENDING, State.RUNNING):
            return
        if job.attempts >= MAX_ATTEMPTS:
            reason = str(error) if isinstance(error, UnableToDelete) else f"It failed five times: {_cause(error)}"
            quarantine(job, reason[:300], {"error": type(error).__name__, "destroyed": job.destroyed})
        else:
            job.lease_until = None
            job.save(update_fields=["lease_until"])


def retry(job: DeletionJob, *, user) -> None:
    """Let a stopped job go on, by an officer's decision. Raises UnableToMove."""
    with transaction.atomic():
        job = DeletionJob.objects.select_for_update().get(pk=job.pk)
        again = State.RUNNING if job.intent_sequence else State.PENDING
        move(job, again, attempts=0, lease_until=None, stopped_because="")
        evidence.append_entry("RETRIED", subject=str(job.pk), body={"by": user.pk})


def _cause(error: Exception) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    return diagnosis.message_primary if diagnosis and diagnosis.message_primary else type(error).__name__
