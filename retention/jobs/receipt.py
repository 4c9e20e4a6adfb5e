"""The end of a deletion: remains are looked for by another path, and the receipt is written, or somebody must look."""

import datetime as dt
import logging
import uuid

from django.db import transaction

from accounts import evidence
from accounts.models import EvidenceEntry, Workspace
from accounts.verdicts import data_map
from retention import deletion, holds, keeping, remainders
from retention.jobs.intent import manifest_of, scope_of
from retention.jobs.moves import State, move, quarantine
from retention.models import DeletionJob
from retention.upstream import notices as upstream

log = logging.getLogger(__name__)


def finish(job_id: uuid.UUID, *, now: dt.datetime) -> None:
    """Look for remains by another path and write the receipt, or stop the job for a decision."""
    with transaction.atomic():
        keeping.against_new_keepers()
        job = DeletionJob.objects.select_for_update().get(pk=job_id)
        if job.state != State.RUNNING or job.left:  # another worker has a batch of it in hand
            return
        workspace = Workspace.objects.select_for_update().get(pk=job.workspace_id) if job.workspace_id else None
        scope = scope_of(job)
        remains = deletion.remains(scope)
        kept = kept_since(job)
        if remains or (job.workspace_id and job.destroyed != job.planned) or min(kept.values(), default=0) < 0:
            missing = {label: -count for label, count in remains.items() if count < 0}
            why = (
                f"Rows that had to be kept are missing: {_names(missing)}."
                if missing
                else f"{sum(remains.values())} rows are still there: {_names(remains)}."
                if remains
                else f"{job.rows_planned} were to go and {job.rows_destroyed} went."
            )
            quarantine(job, why, {"remains": remains, "destroyed": job.destroyed})
            return
        manifest = manifest_of(job)
        intent = EvidenceEntry.objects.get(sequence=job.intent_sequence or 0)
        if manifest != intent.body["manifest"]:
            quarantine(job, "What was to go has been changed since it was written down.", {"manifest": manifest})
            return
        if workspace:
            with deletion.open_door():
                deletion.blank_workspace(workspace, now, remainder=bool(scope.kept))
            remainders.note(workspace, scope, now=now)
        entry = evidence.append_entry(
            "DONE",
            subject=str(job.pk),
            body={
                "intent": job.intent_sequence,
                "manifest": manifest,
                "destroyed": job.destroyed,
                "remains": 0,
                **({"kept": scope.kept} if scope.kept else {}),
                **({"keys": "destroyed"} if job.workspace_id else {"not_by_this_job": kept}),
            },
        )
        move(job, State.DONE, done_at=entry.at, done_sequence=entry.sequence, lease_until=None, stopped_because="")
        upstream.release_notices(job, now=now)
        if job.workspace_id:
            holds.forget_subjects()
    log.info("deletion %s: done, %s rows", job.pk, job.rows_destroyed)


def kept_since(job: DeletionJob) -> dict[str, int]:
    """Return how many rows of a job by age it did not destroy itself, by model: kept by a hold, or gone with their workspace."""
    if job.workspace_id:
        return {}
    left = {label: count - job.destroyed.get(label, 0) for label, count in job.planned.items() if label != "files"}
    return {label: count for label, count in left.items() if count}


def _names(counts: dict[str, int]) -> str:
    maps = data_map()
    return ", ".join(f"{count} {maps[label].plural if label in maps else label}" for label, count in counts.items())
