"""Deletions as rows: found when due, claimed by a lease, carried out in small transactions, finished with a receipt.

The order is always: lock the workspace, ask its run (the breaker), look at the holds, write INTENT, destroy the keys, delete in batches, look for
remains, write DONE. INTENT is committed before anything is destroyed; a worker that dies anywhere leaves a row that the
next worker carries on from. Leases use the database's clock; what is due uses the ``now`` that is passed in.

``scheduling`` makes them, ``leases`` says who has one in hand, ``intent`` begins, ``batches`` destroys, ``receipt`` ends,
``decisions`` are an officer's, and ``moves`` holds the states. This page puts them in their order.
"""

import datetime as dt
import logging
import time
import uuid
from collections.abc import Collection

from retention import deletion, runs, stops
from retention.jobs.batches import run_batch
from retention.jobs.decisions import pause, resume, retry
from retention.jobs.intent import begin, scope_of
from retention.jobs.key_destruction import destroy_keys, destroy_keys_of_many
from retention.jobs.leases import (
    LEASE,
    MAX_ATTEMPTS,
    claim,
    claim_many,
    record_failure,
    release,
    runnable,
    waiting_to_begin,
)  # fmt: skip
from retention.jobs.moves import MOVES, State, UnableToMove, move
from retention.jobs.receipt import finish, kept_since
from retention.jobs.scheduling import hide, release_held, schedule_due
from retention.models import DeletionJob

__all__ = [
    "LEASE", "MAX_ATTEMPTS", "MOVES", "State", "UnableToMove", "begin", "begin_jobs", "claim", "finish", "hide", "kept_since",
    "move", "pause", "record_failure", "release", "release_held", "resume", "retry", "run_batch", "run_job", "runnable",
    "schedule_due", "scope_of", "waiting_to_begin",
]  # fmt: skip

log = logging.getLogger(__name__)

BEGIN_SECONDS = 20  # for what is kept of deletions that begin together; the rest is each one's own turn's


def begin_jobs(job_ids: Collection[uuid.UUID], *, now: dt.datetime) -> int:
    """Write the INTENT of those of the jobs that are free, destroy their keys, and leave the rest for later; return how many began.

    So that of thousands that are due together, the files are unreadable before the rows of the first have gone.
    """
    return 0 if stops.active_stop() else _begin_claimed(claim_many(job_ids), now=now)


def _begin_claimed(job_ids: Collection[uuid.UUID], *, now: dt.datetime) -> int:
    if not job_ids:
        return 0
    try:
        begun = begin(job_ids, now=now)
        jobs = DeletionJob.objects.filter(pk__in=begun).defer("planned")
        destroy_keys_of_many(jobs, stop_at=time.monotonic() + BEGIN_SECONDS)
        release(*begun)
    except Exception as error:  # as in run_job
        if len(job_ids) > 1:  # one of them: each alone, so that it keeps no other one back
            return sum(_begin_claimed([job_id], now=now) for job_id in job_ids)
        _count_failure(next(iter(job_ids)), error)
        return 0
    return len(begun)


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
        may_destroy = begin([job.pk], now=now)
        job.refresh_from_db()
        if not may_destroy:
            return job
        scope = scope_of(job)
        if not destroy_keys(job.pk, scope, stop_at=stop_at):
            release(job.pk)
            job.refresh_from_db()
            return job
        for entry in deletion.maps_in_order(job.rule_id):
            if scope.workspace and not job.planned.get(entry.model):
                continue  # nothing of it was chosen, and the database takes no new rows; ``finish`` looks all the same
            while (rows := run_batch(job.pk, entry, scope)) != 0:
                if rows is None or time.monotonic() > stop_at:
                    release(job.pk)
                    job.refresh_from_db()
                    return job
                if scope.workspace and rows < deletion.batch_limit(entry):
                    break
        finish(job.pk, now=now)
    except Exception as error:  # whatever it was: counted, and after five attempts somebody must look
        _count_failure(job.pk, error)
    job.refresh_from_db()
    if job.canary and job.run_id and job.state not in (State.PENDING, State.RUNNING):
        runs.advance(job.run_id)
    return job


def _count_failure(job_id: uuid.UUID, error: Exception) -> None:
    log.warning("deletion %s: an attempt failed: %s", job_id, type(error).__name__)
    record_failure(job_id, error)
