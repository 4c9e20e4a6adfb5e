"""Destroying batch by batch: what went and its count are one transaction."""

import uuid

from django.db import transaction
from django.db.models.functions import Now

from accounts.verdicts import ModelMap
from retention import deletion, keeping
from retention.jobs.leases import LEASE
from retention.jobs.moves import State
from retention.models import DeletionJob


def run_batch(job_id: uuid.UUID, entry: ModelMap, scope: deletion.Scope) -> int:
    """Delete one batch and write its counts down in the same transaction; return how many rows went."""
    with transaction.atomic():
        keeping.against_new_keepers()
        job = DeletionJob.objects.select_for_update().defer("scope").get(pk=job_id)
        if job.state != State.RUNNING:
            return 0
        rows, file_count = deletion.destroy_batch(entry, scope)
        if rows:
            job.destroyed[entry.model] = job.destroyed.get(entry.model, 0) + rows
            if file_count:
                job.destroyed["files"] = job.destroyed.get("files", 0) + file_count
            job.lease_until, job.attempts = Now() + LEASE, 0
            job.save(update_fields=["destroyed", "lease_until", "attempts"])
    return rows
