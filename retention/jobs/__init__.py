"""Deletions as rows: found when due, claimed by a lease, carried out in small transactions, finished with a receipt.

The order is always: lock the workspace, look at the holds, write INTENT, destroy the keys, delete in batches, look for
remains, write DONE. INTENT is committed before anything is destroyed; a worker that dies anywhere leaves a row that the
next worker carries on from. Leases use the database's clock; what is due uses the ``now`` that is passed in.

``scheduling`` makes them, ``leases`` says who has one in hand, ``intent`` begins, ``batches`` destroys, ``receipt`` ends,
and ``moves`` holds the states. This page puts them in their order.
"""

import datetime as dt
import logging
import time
import uuid

from django.db import transaction

from retention import deletion, stops
from retention.jobs.batches import run_batch
from retention.jobs.intent import begin, scope_of
from retention.jobs.leases import LEASE, MAX_ATTEMPTS, claim, record_failure, release, retry, runnable
from retention.jobs.moves import MOVES, State, UnableToMove, move
from retention.jobs.receipt import finish, kept_since
from retention.jobs.scheduling import release_held, schedule_due
from retention.models import DeletionJob

__all__ = [
    "LEASE", "MAX_ATTEMPTS", "MOVES", "State", "UnableToMove", "begin", "claim", "finish", "kept_since", "move",
    "record_failure", "release", "release_held", "retry", "run_batch", "run_job", "runnable", "schedule_due", "scope_of",
]  # fmt: skip

log = logging.getLogger(__name__)


def run_job(job_id: uuid.UUID, *, now: dt.datetime, seconds: float = 30) -> DeletionJob | None:
    """Carry a job on for at most about ``seconds``; return it, or None when it was not free or everything is stopped.

    A job that is not over yet keeps its state and is taken up again by the next call. An error is counted; after
    five attempts that got nowhere the job stops for a decision.
    """
    job = None if stops.active_stop() else claim(job_id)
    if job is None:
        return None
    stop_at = time.monotonic() + seconds
    try:
        may_destroy = begin(job.pk, now=now)
        job.refresh_from_db()
        if not may_destroy:
            return job
        scope = scope_of(job)
        with transaction.atomic():
            deletion.shred_keys(scope)
        for entry in deletion.maps_in_order(job.rule_id):
            while run_batch(job.pk, entry, scope):
                if time.monotonic() > stop_at or stops.active_stop():
                    release(job.pk)
                    job.refresh_from_db()
                    return job
        finish(job.pk, now=now)
    except Exception as error:  # whatever it was: counted, and after five attempts somebody must look
        log.warning("deletion %s: attempt %s failed: %s", job.pk, job.attempts, type(error).__name__)
        record_failure(job.pk, error)
    job.refresh_from_db()
    return job
