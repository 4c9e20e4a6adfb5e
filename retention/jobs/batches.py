"""Destroying batch by batch: what went and its count are one transaction."""

import uuid

from django.db import transaction
from django.db.models.functions import Now

from accounts.verdicts import ModelMap
from retention import deletion, keeping, stops
from retention.jobs.leases import LEASE
from retention.jobs.moves import State
from retention.models import DeletionJob


def run_batch(job_id: uuid.UUID, entry: ModelMap, scope: deletion.Scope) -> int | None:
    """Delete one batch and write its counts down in the same transaction; return how many rows went.

    None when the job may not go on: everything is stopped, or it is paused or over. Each statement counts here: a
    million rows are two hundred batches.
    """
    with transaction.atomic():
        if scope.workspace is None:  # of a workspace, what stays was chosen at INTENT, and nothing is added to it
            keeping.against_new_keepers()
        jobs = DeletionJob.objects.select_for_update(of=("self",)).defer("scope", "planned", "kept")
        job = jobs.annotate(is_stopped=stops.is_stopped()).get(pk=job_id)
        if job.state != State.RUNNING or job.is_stopped:
            return None
        rows, file_count = deletion.destroy_batch(entry, scope)
        if rows:
            job.destroyed[entry.model] = job.destroyed.get(entry.model, 0) + rows
            if file_count:
                job.destroyed["files"] = job.destroyed.get("files", 0) + file_count
            job.lease_until, job.attempts = Now() + LEASE, 0
            job.save(update_fields=["destroyed", "lease_until", "attempts"])
    return rows
