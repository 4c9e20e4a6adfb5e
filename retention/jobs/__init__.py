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

from retention import deletion, runs, stops
from retention.jobs.batches import run_batch
from retention.jobs.decisions import pause, resume, retry
from retention.jobs.intent import begin, scope_of
from retention.jobs.key_destruction import destroy_keys
from retention.jobs.leases import (
    LEASE,
    MAX_ATTEMPTS,
    claim,
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
    "LEASE", "MAX_ATTEMPTS", "MOVES", "State", "UnableToMove", "begin", "begin_job", "claim", "finish", "hide", "kept_since",
    "move", "pause", "record_failure", "release", "release_held", "resume", "retry", "run_batch", "run_job", "runnable",
    "schedule_due", "scope_of", "waiting_to_begin",
]  # fmt: skip

log = logging.getLogger(__name__)

BEGIN_SECONDS = 20  # for what is kept of one deletion, before the next one begins; the rest is its own turn's


def begin_job(job_id: uuid.UUID, *, now: dt.datetime) -> bool:
    """Write a job's INTENT and destroy its keys, and leave the rest for later; return whether it began.

    So that of thousands that are due together, the files are unreadable before the rows of the first have gone.
    """
    job = None if stops.active_stop() else claim(job_id)
    if job is None:
        return False
    began = False
    try:
        if began := begin(job.pk, now=now):
            destroy_keys(job.pk, scope_of(DeletionJob.objects.get(pk=job.pk)), stop_at=time.monotonic() + BEGIN_SECONDS)
            release(job.pk)
    except Exception as error:  # as in run_job
        log.warning("deletion %s: attempt %s failed: %s", job.pk, job.attempts, type(error).__name__)
        record_failure(job.pk, error)
    return began


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
        if not destroy_keys(job.pk, scope, stop_at=stop_at):
            release(job.pk)
            job.refresh_from_db()
            return job
        for entry in deletion.maps_in_order(job.rule_id):
            while (rows := run_batch(job.pk, entry, scope)) != 0:
                if rows is None or time.monotonic() > stop_at:
                    release(job.pk)
                    job.refresh_from_db()
                    return job
        finish(job.pk, now=now)
    except Exception as error:  # whatever it was: counted, and after five attempts somebody must look
        log.warning("deletion %s: attempt %s failed: %s", job.pk, job.attempts, type(error).__name__)
        record_failure(job.pk, error)
    job.refresh_from_db()
    if job.canary and job.run_id and job.state not in (State.PENDING, State.RUNNING):
        runs.advance(job.run_id)
    return job
