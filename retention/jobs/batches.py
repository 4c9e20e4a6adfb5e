"""Destroying batch by batch: what went and its count are one transaction.

Of rows by age, whatever a transaction cannot bring back (files, keys in a database of their own) goes in a second one,
when the rows are gone for good: a hold that comes after a crash in between must not find a row whose file is gone.
"""

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
    left: dict[str, list[str]] | None = None
    if scope.workspace is None:
        left = {}
        destroy_left(job_id)  # of a batch that was cut short
    with transaction.atomic():
        if scope.workspace is None:  # of a workspace, what stays was chosen at INTENT, and nothing is added to it
            keeping.against_new_keepers()
        job = DeletionJob.objects.filter(pk=job_id)
        state, destroyed, is_stopped = (
            job.select_for_update(of=("self",)).values_list("state", "destroyed", stops.is_stopped()).get()
        )
        if state != State.RUNNING or is_stopped:
            return None
        rows, file_count = deletion.destroy_batch(entry, scope, left=left)
        if rows:
            destroyed[entry.model] = destroyed.get(entry.model, 0) + rows
            if file_count:
                destroyed["files"] = destroyed.get("files", 0) + file_count
            job.update(destroyed=destroyed, left=left or {}, lease_until=Now() + LEASE, attempts=0)
    if left:
        destroy_left(job_id)
    return rows


def destroy_left(job_id: uuid.UUID) -> None:
    """Destroy what the last batch of rows by age has left, and write it down. Raises deletion.UnableToDelete."""
    with transaction.atomic():
        job = DeletionJob.objects.select_for_update(of=("self",)).defer("scope", "planned", "kept").get(pk=job_id)
        if not job.left or job.state != State.RUNNING:
            return
        if file_count := deletion.destroy_left(job.left):
            job.destroyed["files"] = job.destroyed.get("files", 0) + file_count
        job.left, job.lease_until, job.attempts = {}, Now() + LEASE, 0
        job.save(update_fields=["destroyed", "left", "lease_until", "attempts"])
