"""Who has a job in hand: claimed by a lease on the database's clock, given back, or counted as failed."""

import datetime as dt
import uuid
from collections.abc import Collection

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from retention.deletion import UnableToDelete
from retention.jobs.moves import State, quarantine
from retention.models import DeletionJob
from retention.runs import may_begin

LEASE = dt.timedelta(seconds=30)  # longer than any batch; a killed worker's job is free again after it
MAX_ATTEMPTS = 5
AT_ONCE = 500


def runnable() -> list[uuid.UUID]:
    """Return the ids of jobs that no worker has in hand and whose run lets them go, oldest first."""
    goes = Q(state=State.RUNNING) | Q(state=State.PENDING) & may_begin()
    jobs = DeletionJob.objects.filter(_free(), goes).order_by("created_at", "due_at", "pk")
    return list(jobs.values_list("pk", flat=True)[:AT_ONCE])


def waiting_to_begin() -> list[uuid.UUID]:
    """Return the ids of jobs that may begin and have not, oldest first: their keys are still there."""
    jobs = DeletionJob.objects.filter(_free(), may_begin(), state=State.PENDING).order_by("created_at", "due_at", "pk")
    return list(jobs.values_list("pk", flat=True)[:AT_ONCE])


def _free() -> Q:
    return Q(lease_until__isnull=True) | Q(lease_until__lt=Now())


def claim(job_id: uuid.UUID) -> DeletionJob | None:
    """Take a job for the length of a lease, or return None when somebody else has it or it is over."""
    return DeletionJob.objects.get(pk=job_id) if claim_many([job_id]) else None


def claim_many(job_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Take those of the jobs that are free and not over for the length of a lease; return which, in the order of locking."""
    with transaction.atomic():
        free = DeletionJob.objects.filter(_free(), pk__in=job_ids, state__in=[State.PENDING, State.RUNNING])
        taken = list(free.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True))
        DeletionJob.objects.filter(pk__in=taken).update(lease_until=Now() + LEASE, attempts=F("attempts") + 1)
    return taken


def release(*job_ids: uuid.UUID) -> None:
    """Give leases back, so that the next worker need not wait for them to end."""
    DeletionJob.objects.filter(pk__in=job_ids, state=State.RUNNING).update(lease_until=None, attempts=0)


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


def _cause(error: Exception) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    return diagnosis.message_primary if diagnosis and diagnosis.message_primary else type(error).__name__
