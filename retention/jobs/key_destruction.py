"""The first act after INTENT: keys go, but for those that still open something that is kept.

First those of whom nothing is kept; then each kept file is encrypted to its keeper's key and verified; then the rest.
"""

import time
import uuid
from collections.abc import Iterable

from django.db import transaction
from django.db.models.functions import Now

from retention import deletion, entrusting, stops
from retention.jobs.intent import scope_of
from retention.jobs.leases import LEASE
from retention.jobs.moves import State
from retention.models import DeletionJob


def destroy_keys_of_many(jobs: Iterable[DeletionJob], *, stop_at: float) -> None:
    """Destroy the keys of these deletions of workspaces, those of which nothing is kept in one transaction.

    What is left when the turn is over is each deletion's own to do.
    """
    scopes = {job: scope_of(job) for job in jobs}
    with_something_kept = {job for job, scope in scopes.items() if scope.kept or entrusting.ended_keys(scope)}
    with transaction.atomic():
        deletion.shred_keys(*(scope for job, scope in scopes.items() if job not in with_something_kept))
    for job in with_something_kept:
        if time.monotonic() > stop_at:
            return
        destroy_keys(job.pk, scopes[job], stop_at=stop_at)


def destroy_keys(job_id: uuid.UUID, scope: deletion.Scope, *, stop_at: float) -> bool:
    """Destroy the keys of a workspace's deletion; return whether all are gone, or the turn is over before."""
    if scope.workspace is None:
        return True
    if scope.kept:
        with transaction.atomic():
            deletion.shred_keys(scope, spare=entrusting.still_needed(scope))
        for kept in list(entrusting.not_entrusted(scope)):
            entrusting.entrust(kept)
            DeletionJob.objects.filter(pk=job_id, state=State.RUNNING).update(lease_until=Now() + LEASE, attempts=0)
            if time.monotonic() > stop_at or stops.active_stop():
                return False
    with transaction.atomic():
        deletion.shred_keys(scope, spare=entrusting.still_needed(scope), ended=entrusting.ended_keys(scope))
    return True
